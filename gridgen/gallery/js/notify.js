/**
 * Tell all who listen. One that fails silences no other: its error is reported as any uncaught one is.
 *
 * @template {any[]} T
 * @param {Iterable<(...told: T) => void>} listeners those of now; who comes meanwhile is told the next time
 * @param {T} told
 */
export function notify(listeners, ...told) {
  for (const listener of [...listeners]) {
    try {
      listener(...told);
    } catch (error) {
      reportError(error);
    }
  }
}
