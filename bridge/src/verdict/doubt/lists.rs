//! The phrases of `doubt`, with a comma between them: English, Hindi, and Hindi in Latin letters.

/// What has a no or a condition in it and means neither.
pub const HARMLESS: &str = "no problem, no problem at all, no worries, no issue, no issues, not a problem, not an issue, why not, no doubt, don't \
    worry, can't hear you, cannot hear you, can't hear, do not worry, would like to, i'd like to, koi baat nahi, koi baat \
    nahin, koi dikkat nahi, koi problem nahi, कोई बात नहीं, कोई दिक्कत नहीं, कोई समस्या नहीं";

/// A no, in whatever form.
pub const NO: &str = "no, not, never, nope, nah, none, nothing, nobody, neither, nor, without, don't, didn't, doesn't, won't, can't, cannot, \
    couldn't, wouldn't, shouldn't, isn't, wasn't, aren't, weren't, ain't, haven't, hasn't, hadn't, mustn't, refuse, \
    refused, refusing, deny, denied, cancel, cancelled, nahi, nahin, nai, nahee, mat, kabhi nahi, नहीं, नही, नहि, मत, \
    इनकार, मना, रद्द";

/// What asks, wherever it stands.
pub const ASKING: &str = "क्या, क्यों, क्यूँ, kya, kyun, kyu, kyon, do i have to, do i need to, should i, can i";

/// What makes it depend, or leaves it open.
pub const UNSURE: &str = "maybe, may be, perhaps, might, possibly, probably, not sure, unless, depends, if, in case, hopefully, i hope, i think, \
    i guess, i suppose, try, trying, let me see, let's see, let me check, let me think, will see, i'll see, could, would, \
    should, wish, want to but, shayad, agar, koshish, dekhte, dekhunga, dekhungi, dekhenge, sochunga, sochungi, sochenge, \
    ho sakta, शायद, अगर, यदि, कोशिश, देखते, देखूंगा, देखूंगी, देखेंगे, सोचूंगा, सोचूंगी, सोचेंगे, हो सकता";

/// What makes it another's words, or another's doing.
pub const REPORTED: &str = "he said, she said, they said, he says, she says, he will, she will, they will, he'll, she'll, they'll, he is going, \
    she is going, he wants, she wants, he can, she can, you said, you say, you told, you want, you mean, you think, you \
    are saying, you're saying, you are asking, you're asking, you are telling, you will, you'll, you can, you should, you \
    must, you have to, told me, tells me, asked me, asks me, wants me, my brother, my husband, my wife, my son, my \
    daughter, my father, my mother, my sister, my friend, my boss, my uncle, someone, somebody, people say, the bot, this \
    bot, the robot, the message says, unhone, usne, aapne kaha, aap keh, aap bol, keh rahe, bol rahe, kehte hain, mere \
    bhai, mere pati, meri patni, wo dega, woh dega, wo denge, woh denge, उसने, उन्होंने, आपने कहा, आप कह, आप बोल, कह रहे, \
    बोल रहे, कहते हैं, मेरे भाई, मेरे पति, मेरी पत्नी, मेरे पापा, वो देगा, वह देगा, वो देंगे, वे देंगे, आप देंगे, आपको \
    देना";

/// What is said to a program and not to a person.
pub const PROGRAM: &str = "ignore previous, ignore all, ignore the, ignore your, ignore any, disregard, previous instructions, your instructions, \
    new instructions, system prompt, system message, system colon, mark as, mark this, mark it, mark the, marked as, set \
    the outcome, set outcome, set the status, set status, as completed, as complete, as done, as proven, as successful, \
    the outcome is, outcome is, json, you are an ai, as an ai, language model, respond with, reply with, output the, \
    override, transcript, utterance, promise to pay is, task complete, task completed, task is complete, task is completed";

/// What says that somebody is not the one who was called, or speaks for another.
pub const THIRD_PARTY: &str = "wrong number, wrong person, wrong house, not here, isn't here, is not here, not at home, isn't at home, not in right \
    now, not home, not available right now, he isn't, she isn't, i'm his, i'm her, i am his, i am her, i'm their, i am \
    their, this is his, this is her, i am not the, i'm not the, i'm not him, i'm not her, speaking on behalf, on behalf \
    of, on his behalf, on her behalf, his wife, her husband, his brother, her brother, his son, her son, his mother, his \
    father, her mother, her father, his sister, her sister, no one by that name, nobody by that name, no such person, \
    don't know any, do not know any, doesn't live here, does not live here, passed away, galat number, rong number, raang \
    number, wrong hai, ghar par nahi, ghar pe nahi, yahan nahi, yaha nahi, main unka, main unki, main uska, main uski, \
    unki patni, unke bhai, uske bhai, गलत नंबर, गलत नम्बर, रॉन्ग नंबर, घर पर नहीं, यहाँ नहीं, मैं उनका, मैं उनकी, मैं \
    उसका, मैं उसकी, उनकी पत्नी, उनके भाई, वो यहाँ, वह यहाँ";

/// What takes back what was said before.
pub const RETRACTING: &str = "changed my mind, change my mind, cancel, forget it, forget that, take that back, take it back, did not say, didn't \
    say, never said, did not agree, didn't agree, never agreed, did not promise, didn't promise, cannot, can't, can not, \
    won't, will not, not going to, am not, i'm not, no longer, not possible, impossible, not tomorrow, not today, not that \
    day, nahi dunga, nahi dungi, nahi karunga, nahi karungi, nahi kar, nahi de, nahi kaha, nahi ho, nahi aa, नहीं दूंगा, \
    नहीं दूंगी, नहीं करूंगा, नहीं करूंगी, नहीं कर, नहीं दे, नहीं कहा, नहीं हो, नहीं आ, मना करता, मना करती, रद्द, just \
    kidding, i was joking, i am joking, i'm joking, wrong number";
