// PCM16 mono at 24 kHz, as loud as speech: what tests/emulated.py calls voice() and silence().
const RATE = 24_000;

export function voice(seconds) {
  const pcm = new Int16Array(RATE * seconds);
  for (let at = 0; at < pcm.length; at++) {
    const time = at / RATE;
    const loud = 0.3 * (0.6 + 0.4 * Math.sin(2 * Math.PI * 5 * time));
    pcm[at] = Math.sin(2 * Math.PI * 300 * time) * loud * 32767;
  }
  return Buffer.from(pcm.buffer);
}

export function silence(seconds) {
  return Buffer.alloc(RATE * seconds * 2);
}
