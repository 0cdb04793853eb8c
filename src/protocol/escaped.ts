/** What JSON leaves as it is, and a terminal obeys, or turns the text around by. */
const CONTROLS = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** JSON, or a text made of it, with those characters escaped as JSON has them. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
