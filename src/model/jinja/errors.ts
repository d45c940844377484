/** A template that is not valid, or that fails or refuses while it is rendered; the message is Jinja's. */
export class TemplateError extends Error {}
