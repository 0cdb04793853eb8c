import { addressBlock, addressSite } from './address-block.ts';

/** Address blocks that are told apart, and as many sites for those beyond. */
const MAX_BLOCKS_TOLD_APART = 10_000;

/**
 * What is known of each address block, for a bounded number of them. Beyond it the sites are told apart, so that who
 * has a /48 of IPv6, with its 65,536 blocks, takes no place of anyone else; and beyond that all share one.
 */
export class BlocksToldApart<Known> {
  readonly #fresh: () => Known;
  readonly #blocks = new Map<string, Known>();
  readonly #sites = new Map<string, Known>();
  #shared: Known;

  /** @param fresh of a block that nothing is known of */
  constructor(fresh: () => Known) {
    this.#fresh = fresh;
    this.#shared = fresh();
  }

  /** What is known of an address. */
  of(ip: string): Known {
    const block = addressBlock(ip);
    return this.#in(this.#blocks, block) ?? this.#in(this.#sites, addressSite(block)) ?? this.#shared;
  }

  forget(isOver: (known: Known) => boolean): void {
    for (const known of [this.#blocks, this.#sites]) {
      for (const [name, one] of known) if (isOver(one)) known.delete(name);
    }
  }

  clear(): void {
    this.#blocks.clear();
    this.#sites.clear();
    this.#shared = this.#fresh();
  }

  #in(all: Map<string, Known>, name: string): Known | undefined {
    const known = all.get(name);
    if (known !== undefined || all.size >= MAX_BLOCKS_TOLD_APART) return known;
    const fresh = this.#fresh();
    all.set(name, fresh);
    return fresh;
  }
}
