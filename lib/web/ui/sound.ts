let context: AudioContext | undefined;

/** Two soft notes; silent where the browser has not been touched yet and allows none. */
export function chime(): void {
  context ??= new AudioContext();
  if (context.state !== "running") return;
  const now = context.currentTime;
  for (const [at, frequency] of [[0, 660], [0.12, 880]] as const) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, now + at);
    volume.gain.linearRampToValueAtTime(0.08, now + at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, now + at + 0.35);
    tone.connect(volume).connect(context.destination);
    tone.start(now + at);
    tone.stop(now + at + 0.4);
  }
}

addEventListener("pointerdown", () => {
  context ??= new AudioContext();
  void context.resume();
}, { once: true });
