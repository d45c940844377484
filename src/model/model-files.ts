/** Which files belong to a model's folder: one rule for the command line and the page. */

/** transformers' folder for chat templates beside the default one. */
export const ADDITIONAL_TEMPLATES = 'additional_chat_templates';

const READ = new RegExp(
  `^([^/]+\\.(safetensors|gguf|json|jinja|txt|model)|${ADDITIONAL_TEMPLATES}/[^/]+\\.jinja)$`,
);
/** Weights in a format that is not read: that they are there is said in the refusal. */
const FOREIGN = /^(pytorch_model|adapter_model)\.bin$/;
/** Files of a checkpoint that only the run itself needs. */
const OF_A_RUN = /^(optimizer\.safetensors|trainer_state\.json)$/;

/** Whether Ponder asks for a file, given by its path in the model's folder. */
export const isModelFile = (path: string): boolean =>
  (READ.test(path) && !OF_A_RUN.test(path)) || FOREIGN.test(path);

const PLACE = new RegExp(`^(?:(.*?)/)??((?:${ADDITIONAL_TEMPLATES}/)?[^/]+)$`);

/** The model's folder in which a file lies ('' for a loose file), and the file's path in it. */
export function placeInModel(path: string): { folder: string; file: string } {
  const [, folder = '', file = path] = PLACE.exec(path) ?? [];
  return { folder, file };
}
