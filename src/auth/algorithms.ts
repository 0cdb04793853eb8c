/**
 * The signature algorithms that a token may name, by what verifies them. `none` is not one. (RFC 7518, section 3.1; RFC
 * 8037; RFC 9864)
 */
export const HMAC_ALGORITHMS = Object.freeze(['HS256', 'HS384', 'HS512']);
export const RSA_ALGORITHMS = Object.freeze(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']);
export const EDWARDS_ALGORITHMS = Object.freeze(['EdDSA', 'Ed25519']);
export const ASYMMETRIC_ALGORITHMS = Object.freeze([
  ...RSA_ALGORITHMS,
  'ES256',
  'ES384',
  'ES512',
  ...EDWARDS_ALGORITHMS,
]);

/** ES algorithms are bound to one curve each; OpenSSL's name of the curve to the algorithm. */
export const EC_ALGORITHM_BY_CURVE: Readonly<Record<string, string>> = Object.freeze({
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
});

export function isAlgorithm(name: string): boolean {
  return HMAC_ALGORITHMS.includes(name) || ASYMMETRIC_ALGORITHMS.includes(name);
}
