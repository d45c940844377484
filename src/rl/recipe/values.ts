/** Values of recipe keys before they are checked, from YAML, JSON or a message to a worker. */
export type RecipeValue = string | number | boolean | null | readonly RecipeValue[] | RecipeObject;
export interface RecipeObject {
  readonly [key: string]: RecipeValue;
}
export type RecipeValues = RecipeObject;
