/** The recipe that the page starts from: recipes/default.yaml. */
import { parse } from 'yaml';
import yaml from '../../recipes/default.yaml?raw';
import type { RecipeValues } from '../rl/recipe/values.ts';

export const DEFAULT_RECIPE = parse(yaml) as RecipeValues;
