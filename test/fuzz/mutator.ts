/** Numbers that look random and are the same for the same seed. (xorshift32) */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  of<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to choose from');
    return item;
  }
}

const MAX_BYTES = 4096;
const MAX_CHANGES = 6;

/** Makes new inputs of old ones: cuts, repeats, joins, changes bytes, and puts words in. */
export class Mutator {
  readonly #chance: Chance;
  readonly #inputs: readonly Buffer[];
  readonly #words: readonly Buffer[];

  constructor(seed: number, inputs: readonly Buffer[], dictionary: readonly string[]) {
    this.#chance = new Chance(seed);
    this.#inputs = inputs;
    this.#words = dictionary.map((word) => Buffer.from(word));
  }

  next(): Buffer {
    let input = this.#chance.of(this.#inputs);
    const changes = 1 + this.#chance.below(MAX_CHANGES);
    for (let change = 0; change < changes; change += 1) input = this.#changed(input);
    return input.subarray(0, MAX_BYTES);
  }

  #changed(input: Buffer): Buffer {
    const chance = this.#chance;
    const at = chance.below(input.length + 1);
    const to = at + chance.below(Math.min(24, input.length - at) + 1);
    const [head, middle, tail] = [input.subarray(0, at), input.subarray(at, to), input.subarray(to)];
    switch (chance.below(8)) {
      case 0:
        return Buffer.concat([head, tail]);
      case 1:
        return Buffer.concat([head, middle, middle, tail]);
      case 2:
      case 3:
      case 4:
        return Buffer.concat([head, chance.of(this.#words), chance.below(2) === 0 ? middle : Buffer.alloc(0), tail]);
      case 5: {
        const other = chance.of(this.#inputs);
        return Buffer.concat([head, other.subarray(chance.below(other.length + 1))]);
      }
      case 6:
        return Buffer.concat([head, Buffer.from([chance.below(256)]), tail]);
      default: {
        const copy = Buffer.from(input);
        if (copy.length > 0) {
          const place = chance.below(copy.length);
          copy[place] = (copy[place] ?? 0) ^ (1 << chance.below(8));
        }
        return copy;
      }
    }
  }
}
