/** A checkpoint's chat template, taken from the file where transformers takes it. */
import { CheckpointError } from './errors.ts';
import { readWhole, type CheckpointFolder, type FileSource } from './files.ts';
import { runForeign } from './foreign.ts';
import { TemplateError } from './jinja/errors.ts';
import { Template } from './jinja/template.ts';
import { ADDITIONAL_TEMPLATES } from './model-files.ts';

export const TEMPLATE_FILE = 'chat_template.jinja';
const ADDITIONAL_DEFAULT = `${ADDITIONAL_TEMPLATES}/default.jinja`;
const CONFIG = 'tokenizer_config.json';

export interface ChatTemplate {
  /** The file that it is in, for messages. */
  readonly path: string;
  readonly source: string;
  readonly parsed: Template;
  /** Of several templates: which one this is and which are not used, in words. */
  readonly choice?: string;
}

/**
 * From chat_template.jinja, as transformers writes it today, else from `config`, tokenizer_config.json.
 * Of several templates, the one called default is used; as in transformers, additional_chat_templates comes first.
 * @returns undefined when there is none
 * @throws CheckpointError when none of several is called default, or the template is not valid Jinja
 */
export async function loadChatTemplate(
  folder: CheckpointFolder,
  config: Readonly<Record<string, unknown>>,
): Promise<ChatTemplate | undefined> {
  const found = await templateFile(folder);
  const additional = await hasAdditional(folder);
  if (!found && additional) {
    throw new CheckpointError(
      `${folder.name} has chat templates in ${ADDITIONAL_TEMPLATES}, and none is the default; ` +
        `copy the one to use to ${folder.name}/${TEMPLATE_FILE}`,
    );
  }
  const named = templateField(config.chat_template);
  const place = `${folder.name}/${CONFIG}`;
  const source = found ? await readTemplate(found.source) : named && defaultTemplate(named, place);
  if (source === undefined) return undefined;
  const name = found?.name ?? CONFIG;
  const path = `${folder.name}/${name}`;
  const others = [...(named ?? [])].filter(
    ([, template]) => typeof template === 'string' && template !== source,
  );
  const unused = [
    ...others.map(([name]) => `${String(name)} in ${CONFIG}`),
    ...(additional && name !== ADDITIONAL_DEFAULT ? [`those in ${ADDITIONAL_TEMPLATES}`] : []),
  ];
  const used = found ? name : `default in ${CONFIG}`;
  return {
    ...{ path, source, parsed: parseTemplate(source, path) },
    ...(unused.length > 0 && { choice: `${used}; not used: ${unused.join(', ')}` }),
  };
}

/** @throws CheckpointError when the source is not valid Jinja */
export function parseTemplate(source: string, path: string): Template {
  try {
    return runForeign(foreign(path), () => new Template(source));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new CheckpointError(
      `the chat template in ${path} is not valid Jinja (${firstLine(error)}); correct it there`,
    );
  }
}

const foreign = (path: string): string => `The chat template in ${path}`;

const firstLine = ({ message }: Error): string => message.split('\n')[0]!;

/**
 * The text of a template, for `variables`.
 * @throws CheckpointError when the template refuses them
 */
export function renderTemplate(
  { path, parsed }: ChatTemplate,
  variables: Record<string, unknown>,
): string {
  try {
    return runForeign(foreign(path), () => parsed.render(variables));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new CheckpointError(
      `the chat template in ${path} refused the messages (${firstLine(error)}); ` +
        'change the turns as it asks, or change the template',
    );
  }
}

/** The file of its own that has the default template; undefined where there is none. */
export async function templateFile(
  folder: CheckpointFolder,
): Promise<{ name: string; source: FileSource } | undefined> {
  const additional = await hasAdditional(folder);
  for (const name of additional ? [ADDITIONAL_DEFAULT, TEMPLATE_FILE] : [TEMPLATE_FILE]) {
    const source = await folder.open(name);
    if (source) return { name, source };
  }
  return undefined;
}

/** A URL has no list of files. */
const hasAdditional = async (folder: CheckpointFolder): Promise<boolean> =>
  (await folder.list?.())?.includes(ADDITIONAL_TEMPLATES) ?? false;

/** As Python reads text: a byte-order mark is a character. The template's lexer changes line ends. */
const readTemplate = async (source: FileSource): Promise<string> =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(await readWhole(source));

/**
 * Templates by name. The field is a template, which transformers calls default, a list of {name, template}, or
 * an object of templates by name.
 */
function templateField(field: unknown): Map<unknown, unknown> | undefined {
  if (typeof field === 'string') return new Map([['default', field]]);
  if (typeof field !== 'object' || field === null) return undefined;
  if (!Array.isArray(field)) return new Map(Object.entries(field));
  const listed = field as ({ name?: unknown; template?: unknown } | null)[];
  return new Map(listed.map((one) => [one?.name, one?.template]));
}

/** @throws CheckpointError when none is called default */
function defaultTemplate(templates: ReadonlyMap<unknown, unknown>, path: string): string {
  const template = templates.get('default');
  if (typeof template === 'string') return template;
  throw new CheckpointError(
    `${path} has chat templates called ${[...templates.keys()].map(String).join(', ')}, and none ` +
      'called default; give the one to use that name',
  );
}
