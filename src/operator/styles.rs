//! Manners of thinking, instructions for changing instructions, and tips: what is drawn from when a
//! recipe names none of its own.
//!
//! Which one is drawn is for `strategy` to say; here are only the lists.

/// Manners of thinking, each a sentence for the model that does the work.
pub const THINKING_STYLES: &[&str] = &[
    "Take the work apart into small steps, and settle each before the next.",
    "Begin with what a right answer must look like, and work backwards from it.",
    "Ask what kind of case this is before asking what to do with it.",
    "Look for the one detail that decides the case, and let the rest go.",
    "List all answers that are possible, and rule them out one by one.",
    "Suppose the first answer that comes to mind is wrong; find out why it would be.",
    "Compare the case with the nearest one whose answer is beyond doubt.",
    "Separate what is said from what is only suggested, and trust the former.",
    "Look at the whole first, then at the parts, then at the whole again.",
    "Think of the person who wrote the input, and what they want.",
    "Think of the person who uses the answer, and what a mistake would cost them.",
    "Turn the rules into questions that can be answered with yes or no.",
    "Start from the exceptions: check each, and only then apply the rule.",
    "Write down what is known and what is asked before connecting the two.",
    "Make the problem simpler, solve that, and add back what was left out.",
    "Draw a picture or a table of the case in mind, and read the answer off it.",
    "Check the result by a second way that shares nothing with the first.",
    "Work like an examiner: every claim needs a passage that supports it.",
    "Work like a craftsman: the same moves in the same order every time.",
    "Work like a translator: nothing added, nothing lost, only the form changes.",
    "Set priorities: where two considerations conflict, know beforehand which one wins.",
    "Mind the order in time: what came first, what came of it, what is still open.",
    "Mind quantities: what is counted, in which unit, and whether the sizes make sense.",
    "Prefer the plainest explanation that accounts for everything that is said.",
    "Look at the borders between similar cases, and say what tells them apart.",
    "Proceed as though you had to explain every step to a newcomer.",
];

/// Instructions for changing instructions.
pub const MUTATORS: &[&str] = &[
    "Say the same in about half as many words.",
    "Write it as a numbered list of steps, in the order in which they are done.",
    "Put what matters most at the top, and what is rarely needed at the end.",
    "Replace vague words by exact ones: say how much, how many, which, when.",
    "Add a sentence on what to do when a case fits no rule.",
    "Turn every prohibition into a statement of what to do instead.",
    "Describe who does the work: a role that fits it, and what that person is careful about.",
    "Say in one sentence what the work is for, and let the rest follow from it.",
    "Ask for a moment of thought before the answer, and say where the thought ends.",
    "Group what belongs together, and give each group a heading.",
    "Point out the two cases that are easiest to confuse, and what tells them apart.",
    "State the form of the answer once, at the end, so that it cannot be missed.",
    "Write it the way an experienced colleague would say it to a new one.",
    "Remove one sentence that does no work, and make another one do more.",
    "Change the order of the rules so that the special ones come before the general ones.",
    "Write it so that it could not be misread, even by somebody in a hurry.",
    "Begin with a question that the one who does the work should ask first.",
    "Give the reason for each rule in a few words after it.",
];

/// Tips for one attempt at an instruction.
pub const TIPS: &[&str] = &[
    "Be as brief as you can; a short instruction that is right beats a long one.",
    "Say in detail by what one tells the sorts of cases apart.",
    "Give the model a role that fits the work.",
    "Ask for the work to be done step by step before the answer is given.",
    "Say what is at stake, so that care is taken.",
    "Try something unusual; the plain way has been tried.",
    "State the form of the answer in the clearest words.",
    "Use plain words and short sentences.",
];
