import { createHmac, hash } from 'node:crypto';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
/** Longer texts go through Node's Hmac, whose price no longer matters then. */
const SHORT_TEXT_BYTES = 4096;
/** More secrets than this are not in use on one node for long. */
const MAX_KEYS = 256;

/**
 * HMAC-SHA256 as lower-case hex. (RFC 2104)
 *
 * Each trigger needs one, over about 150 bytes. Node's Hmac makes a native object for it, which costs more than the two
 * digests that it is for; so short texts take these, over memory that is used again.
 */
export function hmacHex(secret: string, text: string | Uint8Array): string {
  // A character takes three bytes at most.
  if (typeof text !== 'string' || text.length * 3 > SHORT_TEXT_BYTES) {
    return createHmac('sha256', secret).update(text).digest('hex');
  }
  return keyOf(secret).hex(text);
}

const keys = new Map<string, HmacKey>();

function keyOf(secret: string): HmacKey {
  let key = keys.get(secret);
  if (key === undefined) {
    if (keys.size >= MAX_KEYS) keys.clear();
    key = new HmacKey(secret);
    keys.set(secret, key);
  }
  return key;
}

/** The key's two blocks, each followed by room for what is hashed behind it. */
class HmacKey {
  readonly #inner = Buffer.alloc(BLOCK_BYTES + SHORT_TEXT_BYTES);
  readonly #outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);

  constructor(secret: string) {
    const bytes = Buffer.from(secret);
    const key = Buffer.alloc(BLOCK_BYTES);
    (bytes.length > BLOCK_BYTES ? hash('sha256', bytes, 'buffer') : bytes).copy(key);
    for (let index = 0; index < BLOCK_BYTES; index += 1) {
      const byte = key[index] ?? 0;
      this.#inner[index] = byte ^ 0x36;
      this.#outer[index] = byte ^ 0x5c;
    }
  }

  hex(text: string): string {
    const sizeBytes = this.#inner.write(text, BLOCK_BYTES);
    // Hex and back costs less than a Buffer made for the digest.
    const digest = hash('sha256', this.#inner.subarray(0, BLOCK_BYTES + sizeBytes), 'hex');
    this.#outer.write(digest, BLOCK_BYTES, 'hex');
    return hash('sha256', this.#outer, 'hex');
  }
}
