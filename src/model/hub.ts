/**
 * Recipes of TRL and adapters of peft name models of the Hugging Face Hub, as OWNER/NAME, which
 * transformers downloads. Ponder downloads nothing, so such a name is answered with the command that does.
 */
import { shell } from './shell.ts';

const HUB_NAME =
  /^(?:(?:https:\/\/)?(?:www\.)?(?:huggingface\.co|hf\.co)\/)?(\w[\w.-]*\/\w[\w.-]*)\/?$/;

/** OWNER/NAME if the path looks like a model of the Hub, or is its address; a folder may look so, too. */
export const hubName = (path: string): string | undefined => HUB_NAME.exec(path)?.[1];

/**
 * @param folder to download into
 * @param then what to do with the folder
 */
export const downloadFirst = (name: string, folder: string, then: string): string =>
  'Ponder downloads nothing; if it is a model of the Hugging Face Hub, download it first ' +
  `with \`hf download ${name} --local-dir ${shell(folder)}\`, and ${then}`;
