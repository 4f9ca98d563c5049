import { frameStep, goalOf, lengthOf, positionOf, StepClock } from "./clock.js";
import { notify } from "./notify.js";

/**
 * @typedef {import("./state.js").ViewState} ViewState
 */

/** Milliseconds between two strokes of the position; players are looked after at every second one. */
const BEAT = 100;
export const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];

/** What plays: one clock, run by the state, for all who follow it. */
export class Playback {
  #state;
  #signal;
  /** @type {number[]} */
  #lengths = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #beat;
  /** @type {Set<(beat: number) => void>} */
  #followers = new Set();
  /** @type {Set<() => void>} */
  #wrapped = new Set();
  /** @type {Set<() => void>} */
  #sought = new Set();
  #last = 0;
  /** Frames a second of the clip with the most. */
  fps = 24;
  clock = new StepClock();

  /**
   * @param {ViewState} state
   * @param {AbortSignal} signal
   */
  constructor(state, signal) {
    this.#state = state;
    this.#signal = signal;
    state.subscribe((changed) => this.#look(changed), signal);
    signal.addEventListener("abort", () => clearInterval(this.#beat));
    this.#look(new Set(["loop", "speed", "range"]));
  }

  get state() {
    return this.#state;
  }

  /** @returns {number[]} seconds of each clip that takes part */
  get lengths() {
    return this.#lengths;
  }

  /**
   * @param {(beat: number) => void} follower called when the position jumps with 0, and while it runs with 1, 2, 3 ...
   * @param {AbortSignal} signal
   */
  follow(follower, signal) {
    this.#followers.add(follower);
    signal.addEventListener("abort", () => this.#followers.delete(follower));
  }

  /**
   * @param {() => void} act called whenever it begins again
   * @param {AbortSignal} signal
   */
  onWrap(act, signal) {
    this.#wrapped.add(act);
    signal.addEventListener("abort", () => this.#wrapped.delete(act));
  }

  /**
   * @param {() => void} act called whenever a person goes to a position, by a step too
   * @param {AbortSignal} signal
   */
  onSeek(act, signal) {
    this.#sought.add(act);
    signal.addEventListener("abort", () => this.#sought.delete(act));
  }

  /**
   * @param {number} duration of a clip, in seconds
   * @param {number} [shift] seconds by which it is ahead
   * @returns {number} the moment of it that is shown now
   */
  moment(duration, shift) {
    return goalOf(this.#state.now.mode, this.clock.at(performance.now()), this.clock.length, duration, shift).time;
  }

  /**
   * @param {number} moment of a clip, in seconds
   * @param {number} duration of it
   * @param {number} [shift] seconds by which it is ahead
   * @returns {number} the position at which it is shown
   */
  positionOf(moment, duration, shift) {
    return positionOf(this.#state.now.mode, moment, this.clock.length, duration, shift);
  }

  /**
   * Take up which clips there are.
   *
   * @param {number[]} lengths in seconds
   * @param {number} fps of the clip with the most
   */
  cast(lengths, fps) {
    this.#lengths = lengths;
    this.fps = fps || 24;
    this.#look(new Set(["mode"]));
  }

  /** @param {number} position seconds */
  seek(position) {
    this.clock.seek(position, performance.now());
    notify(this.#sought);
    this.#tell(0);
  }

  /** @param {number} by frames; it holds still for that */
  step(by) {
    this.#state.set({ playing: false });
    const position = frameStep(this.clock.at(performance.now()), this.fps, by);
    this.seek(position >= this.clock.length ? 0 : position);
  }

  /** @param {"playing" | "loop" | "muted"} name */
  toggle(name) {
    this.#state.set({ [name]: !this.#state.now[name] });
  }

  /** @param {number} by places in the list of speeds */
  hasten(by) {
    const at = SPEEDS.findIndex((speed) => speed >= this.#state.now.speed);
    this.#state.set({ speed: SPEEDS[Math.min(Math.max((at < 0 ? 3 : at) + by, 0), SPEEDS.length - 1)] });
  }

  /**
   * Let the loop begin or end here. An end before the beginning takes the other side of the clip along.
   *
   * @param {"from" | "to"} end
   * @param {number} [position] seconds; here by default
   */
  limit(end, position = this.clock.at(performance.now())) {
    const { from, to, length } = this.clock;
    const here = Math.round(position * 1000) / 1000;
    const range = end === "from" ? [here, to > here + 0.05 ? to : length] : [from < here - 0.05 ? from : 0, here];
    const whole = range[0] <= 0.01 && range[1] >= length - 0.01;
    if (range[1] - range[0] >= 0.05) this.#state.set({ range: whole ? [] : range });
  }

  unlimit() {
    this.#state.set({ range: [] });
  }

  /** @param {Set<string>} changed */
  #look(changed) {
    const now = performance.now();
    const { playing, loop, speed, range, mode } = this.#state.now;
    const { clock } = this;
    if (["speed", "range", "mode"].some((name) => changed.has(name))) clock.adjust({ speed, range, length: lengthOf(mode, this.#lengths) }, now);
    clock.loop = loop;
    const wanted = playing && clock.length > 0;
    if (wanted && !clock.playing) clock.play(now);
    else if (!wanted && clock.playing) clock.pause(now);
    if (clock.playing) this.#run();
    this.#tell(0);
  }

  /** Follow the clock for as long as it runs; a few times a second, since each stroke costs every player a frame. */
  #run() {
    clearInterval(this.#beat);
    let beats = 0;
    this.#beat = setInterval(() => {
      const now = performance.now();
      if (this.clock.ended(now)) this.#state.set({ playing: false });
      if (this.#signal.aborted || !this.clock.playing) return clearInterval(this.#beat);
      const position = this.clock.at(now);
      if (position < this.#last - 0.05) notify(this.#wrapped);
      this.#last = position;
      this.#tell((beats += 1));
    }, BEAT);
  }

  /** @param {number} beat */
  #tell(beat) {
    if (!beat) this.#last = this.clock.at(performance.now());
    notify(this.#followers, beat);
  }
}
