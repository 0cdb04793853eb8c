import { createPublicKey, type JsonWebKey, type KeyObject, X509Certificate } from 'node:crypto';
import { EC_ALGORITHM_BY_CURVE, EDWARDS_ALGORITHMS, RSA_ALGORITHMS } from './algorithms.ts';

/** RFC 7518, section 3.2: a key at least as long as the hash's output. */
export const MIN_SECRET_BYTES = 32;

/** RFC 7518, section 3.3. */
const MIN_RSA_BITS = 2048;

/** A public key with the algorithms that it may be used for and no others. */
export interface PublicKey {
  readonly key: KeyObject;
  readonly algorithms: readonly string[];
}

/** Reads PEM (SPKI or an X.509 certificate) or a JWK as JSON; a sentence if it is something else. */
export function parsePublicKey(text: string): PublicKey | { readonly problem: string } {
  const trimmed = text.trim();
  const key = trimmed.startsWith('{') ? fromJwk(trimmed) : fromPem(trimmed);
  if ('problem' in key) return key;
  const algorithms = algorithmsOf(key);
  return 'problem' in algorithms ? algorithms : { key, algorithms };
}

type Parsed = KeyObject | { readonly problem: string };

function fromPem(pem: string): Parsed {
  // createPublicKey would take a private key as well; who may only verify should not hold what signs.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) return { problem: 'is a private key; give its public half' };
  try {
    if (pem.startsWith('-----BEGIN CERTIFICATE-----')) return new X509Certificate(pem).publicKey;
    if (pem.startsWith('-----BEGIN PUBLIC KEY-----')) return createPublicKey(pem);
  } catch (cause) {
    return { problem: `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}` };
  }
  return { problem: 'must be a PEM public key, a PEM certificate or a JWK' };
}

function fromJwk(json: string): Parsed {
  let jwk: JsonWebKey;
  try {
    jwk = JSON.parse(json) as JsonWebKey;
  } catch {
    // The parser's message would quote the text, which may turn out to be a secret.
    return { problem: 'starts like a JWK but is not valid JSON' };
  }
  if (jwk.kty === 'oct') return { problem: 'is a symmetric JWK; set secret instead' };
  if (jwk.d !== undefined) return { problem: 'is a private JWK; give its public half' };
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch (cause) {
    return { problem: `is not a usable JWK: ${cause instanceof Error ? cause.message : String(cause)}` };
  }
}

function algorithmsOf(key: KeyObject): readonly string[] | { readonly problem: string } {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    return bits >= MIN_RSA_BITS
      ? RSA_ALGORITHMS
      : { problem: `is an RSA key of ${bits} bits; ${MIN_RSA_BITS} at least` };
  }
  if (key.asymmetricKeyType === 'ed25519') return EDWARDS_ALGORITHMS;
  const byCurve = key.asymmetricKeyType === 'ec' ? EC_ALGORITHM_BY_CURVE[details?.namedCurve ?? ''] : undefined;
  if (byCurve !== undefined) return [byCurve];
  return { problem: `is a ${key.asymmetricKeyType} key of a kind that no JWT algorithm here uses` };
}
