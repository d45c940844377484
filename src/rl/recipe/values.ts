/** Values of recipe keys before they are checked, as YAML, JSON and messages to a worker carry them. */
export type RecipeValue = string | number | boolean | null | readonly RecipeValue[] | RecipeObject;
export interface RecipeObject {
  readonly [key: string]: RecipeValue;
}
export type RecipeValues = RecipeObject;
