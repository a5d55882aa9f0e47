/** The common emoji, each with the words by which it is found. */
const TABLE = `
👍 thumbs up yes agree good +1|👎 thumbs down no disagree -1|❤️ heart love red|😂 joy laugh tears lol
🎉 party tada celebrate hooray|😮 wow surprised open mouth|😢 sad cry tear|🙏 thanks please pray
👀 eyes look seen|✅ done check yes white mark|❌ no cross wrong|🚀 rocket ship fast launch
😀 grin happy smile|😄 smile happy laugh|😅 sweat smile relief|🤣 rolling floor laugh rofl
😊 blush happy smile|🙂 slight smile|😉 wink|😍 heart eyes love|😘 kiss|😎 cool sunglasses
🤔 thinking hmm|😐 neutral meh|🙄 eye roll|😴 sleep tired|😭 sob cry loud|😡 angry rage mad
😱 scream fear|🥳 party face birthday|🤯 mind blown exploding|😬 grimace awkward|🤗 hug
🤷 shrug dunno|🤦 facepalm|👏 clap applause bravo|🙌 raised hands hooray|👋 wave hello bye hi
🤝 handshake deal agree|👌 ok perfect|✌️ victory peace|🤞 fingers crossed luck|💪 strong muscle
🫡 salute yes sir|🫶 heart hands|👇 down below point|👆 up above point|☝️ one point up
🔥 fire hot lit|💯 hundred perfect score|⭐ star favourite|✨ sparkles new shiny|💡 idea light bulb
⚡ zap fast lightning|💥 boom collision|⚠️ warning careful|❓ question|❗ exclamation important
➕ plus add|➖ minus remove|♻️ recycle again|🔁 repeat again|⏳ wait hourglass soon|⏰ alarm clock time
📌 pin pushpin|📎 attachment paperclip|📝 note memo write|📅 calendar date day|📈 chart up growth
📉 chart down loss|🔍 search find look|🔒 lock private secret|🔓 unlock open|🔑 key
🐛 bug insect|🛠️ tools fix build|🧪 test experiment|📦 package box ship|💻 laptop computer work
🤖 robot bot model|🧠 brain smart think|💬 speech talk comment|📣 megaphone announce|🔔 bell notify
🎯 target goal dart|🏆 trophy win|🥇 gold medal first|🎁 gift present|🎂 cake birthday
☕ coffee break tea|🍕 pizza food lunch|🍺 beer cheers|🍰 cake sweet|🌈 rainbow|☀️ sun sunny day
🌙 moon night|❄️ snow cold|🌱 plant grow seedling|🌍 earth world|🐢 turtle slow|🦄 unicorn
🐱 cat|🐶 dog|🙈 monkey see no evil oops|💚 green heart|💙 blue heart|💔 broken heart
`;

export interface Emoji {
  sign: string;
  words: string;
}

export const EMOJI: readonly Emoji[] = TABLE.trim().split(/[|\n]/).map((entry) => {
  const at = entry.indexOf(" ");
  return { sign: entry.slice(0, at), words: entry.slice(at + 1) };
});

/** What a reaction is most often. */
const COMMON = 12;

/** Those of which all words of the text begin a word; of no text the most common. */
export function findEmoji(text: string): readonly Emoji[] {
  const wanted = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (wanted.length === 0) return EMOJI.slice(0, COMMON);
  return EMOJI.filter(({ sign, words }) =>
    wanted.every((word) => sign === word || ` ${words}`.includes(` ${word}`))
  );
}

/** What an emoji is called, for who does not see it. */
export const nameOf = (sign: string): string =>
  EMOJI.find((emoji) => emoji.sign === sign)?.words.split(" ").slice(0, 2).join(" ") ?? sign;
