/**
 * Whether a browser's Origin may use an app. `allowed` holds origins with scheme and, if it is not the scheme's own,
 * port; one `*` in front of the host's first dot stands for any subdomain; `*` alone, or an empty list, for any
 * origin. A request without an Origin does not come from a browser and is not what this check is about.
 */
export function isOriginAllowed(allowed: readonly string[], origin: string): boolean {
  if (allowed.length === 0 || origin === '') return true;
  const given = origin.toLowerCase();
  return allowed.some((pattern) => matches(pattern.toLowerCase(), given));
}

function matches(pattern: string, origin: string): boolean {
  if (pattern === '*' || pattern === origin) return true;
  const star = pattern.indexOf('*.');
  if (star < 0) return false;
  const scheme = pattern.slice(0, star);
  const suffix = pattern.slice(star + 1);
  if (!origin.startsWith(scheme) || !origin.endsWith(suffix)) return false;
  const subdomain = origin.slice(scheme.length, origin.length - suffix.length);
  return /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(subdomain);
}
