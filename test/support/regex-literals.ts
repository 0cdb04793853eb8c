export interface RegexLiteral {
  readonly source: string;
  readonly flags: string;
  readonly line: number;
}

/** What may stand in code and is skipped or taken as a whole: comments, strings, regular expressions. */
const TOKEN =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\/((?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/([dgimsuvy]*)/y;
const TEMPLATE_TEXT = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y;

/** What a division comes after: a name, a number, or a closing bracket; but a keyword is none of them. */
const OPERAND = /[\w$)\]]\s*$/;
const KEYWORD = /\b(?:return|typeof|case|in|of|await)\s*$/;

/** The regular expressions of a TypeScript source. */
export function regexLiterals(text: string): RegexLiteral[] {
  const found: RegexLiteral[] = [];
  /** The braces that are open in each template's expression that the position is in, outermost first. */
  const expressions: number[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  /** Goes over a template's text, to its end or into its next expression. */
  const template = () => {
    at += match(TEMPLATE_TEXT)?.[0].length ?? 0;
    if (text[at] === '`') at += 1;
    else if (at < text.length) {
      at += 2;
      expressions.push(0);
    }
  };
  while (at < text.length) {
    const char = text[at] ?? '';
    const open = expressions.length - 1;
    if (char === '`') {
      at += 1;
      template();
    } else if (char === '}' && expressions[open] === 0) {
      at += 1;
      expressions.pop();
      template();
    } else {
      if (open >= 0 && (char === '{' || char === '}'))
        expressions[open] = (expressions[open] ?? 0) + (char === '{' ? 1 : -1);
      const [whole, source, flags = ''] = match(TOKEN) ?? [];
      const before = text.slice(Math.max(0, at - 40), at);
      const isDivision = source !== undefined && OPERAND.test(before) && !KEYWORD.test(before);
      if (source !== undefined && !isDivision)
        found.push({ source, flags, line: text.slice(0, at).split('\n').length });
      at += whole === undefined || isDivision ? 1 : whole.length;
    }
  }
  return found;
}
