//! What the simulated editor tends to say: frames for rules, general advice, polite words.

/// Frames of a rule: `{S}` is it as a sentence, `{s}` with a small letter.
pub(super) const FRAMES: &[&str] = &[
    "{S}.",
    "{S}.",
    "{S}.",
    "Rule: {s}.",
    "Note: {s}.",
    "Remember: {s}.",
    "Keep in mind: {s}.",
    "Important: {s}.",
    "Watch out: {s}.",
    "In such cases: {s}.",
    "As a rule, {s}.",
    "One thing that is often missed: {s}.",
];

/// Advice that sounds well and changes nothing.
pub(super) const ADVICE: &[&str] = &[
    "Be careful and precise.",
    "Read the whole text before you decide.",
    "Pay close attention to every detail.",
    "Take your time with this task.",
    "Accuracy matters more than speed.",
    "Do your best.",
    "Consider the context as a whole.",
    "Make sure that nothing is overlooked.",
    "This is very important to us.",
    "You always deliver work of high quality.",
];

/// Ways to set the tone.
pub(super) const PERSONAS: &[&str] = &[
    "You are an experienced specialist.",
    "You are a careful and reliable assistant.",
    "You are an expert in this field.",
    "You work for a company that values clear decisions.",
];

/// Ways to ask for reasoning, each with how it should end.
pub(super) const STEP_BY_STEP: &[&str] = &[
    "Think step by step, then give the answer on the last line.",
    "Work through the case step by step before you answer, and end with the final answer.",
    "Let's think step by step.",
    "Reason through the details first; the last line holds the answer alone.",
];

/// The same where the prompt says already how it ends.
pub(super) const STEPS_ALONE: &str = "Let's think step by step.";

/// Words before a reply.
pub(super) const OPENERS: &[&str] = &[
    "Here is the revised prompt:",
    "Here is a new version that addresses the points above.",
    "I looked at the examples and changed the prompt as follows.",
    "Sure! The new text:",
    "Below is my suggestion.",
];

/// Words after a reply.
pub(super) const CLOSERS: &[&str] =
    &["The new version covers the failed cases.", "Let me know if it should be shorter."];

/// Words at the start of a sentence that only lead over to it, in lower case. They end where a whole
/// sentence begins.
pub(super) const LEADS: &[&str] = &[
    "please make sure that you",
    "make sure that you",
    "please make sure to",
    "it is important that",
    "please note that",
    "note that",
    "keep in mind that",
    "one thing that is often missed:",
    "in such cases:",
    "keep in mind:",
    "watch out:",
    "as a rule,",
    "important:",
    "remember:",
    "note:",
    "rule:",
    "please",
];

/// Adverbs that change nothing.
pub(super) const ADVERBS: &[&str] = &["very", "carefully", "really", "always"];

/// Words that the editor may swap: each with one that means the same, is of the same kind, and has no other
/// use. Not every pair of synonyms goes both ways: a `fee` is a charge, but `charge` is also a verb.
pub(super) const SWAPS: &[(&str, &str)] = &[
    ("customer", "client"),
    ("customer", "shopper"),
    ("client", "customer"),
    ("shopper", "customer"),
    ("parcel", "package"),
    ("package", "parcel"),
    ("broken", "damaged"),
    ("complaint", "grievance"),
    ("grievance", "complaint"),
    ("money", "cash"),
    ("cash", "money"),
    ("delivery", "shipment"),
    ("shipment", "delivery"),
    ("subtract", "deduct"),
    ("deduct", "subtract"),
    ("incorrect", "wrong"),
    ("absent", "missing"),
    ("larger", "bigger"),
    ("larger", "greater"),
    ("bigger", "larger"),
    ("greater", "larger"),
    ("image", "picture"),
    ("error", "mistake"),
    ("policy", "rule"),
    ("department", "team"),
    ("member", "subscriber"),
    ("subscriber", "member"),
    ("company", "firm"),
    ("acquire", "buy"),
    ("repair", "fix"),
];

/// Words before the points of a critique.
pub(super) const INTROS: &[&str] = &[
    "The instructions do not say this:",
    "What the model could not know:",
    "These points are left out:",
    "The failures have this in common, that nothing states it:",
];

/// Vague faults for when nothing better is found; no editor can act on them.
pub(super) const VAGUE_FAULTS: &[&str] = &[
    "The instructions are too vague.",
    "The instructions could be clearer about what matters.",
    "The instructions leave room for interpretation.",
];

/// A doubt about the form of the answer, and one about haste, with the words by which they are told.
pub(super) const FORM_FAULT: &str = "It is not clear how the answer should look.";
pub(super) const FORM_WORDS: &[&str] = &["how the answer should", "form of the answer"];
pub(super) const HASTE_FAULT: &str = "The model answers too fast, without working the case out.";
pub(super) const HASTE_WORDS: &[&str] = &["too fast", "step by step"];

/// Hints that fit any work.
pub(super) const HINTS: &[&str] = &[
    "Look for the detail that decides the case.",
    "Say to yourself what is asked before you answer.",
    "Take the case apart and go through it step by step.",
    "Compare the case with others whose answer you know.",
    "Give the answer that a careful expert would give.",
    "Keep to what the text says, and guess nothing.",
    "Check the answer once more before you write it.",
    "Answer briefly and in the form that is expected.",
];

/// Orders for changing instructions.
pub(super) const ORDERS: &[&str] = &[
    "Put the most important sentence first.",
    "Say the same with fewer and plainer words.",
    "Ask for the work to be done step by step.",
    "Give the one who does the work a fitting role.",
    "State the form of the answer exactly.",
    "Stress what is checked most often.",
    "Group the rules and change their order.",
];

/// Words before notes.
pub(super) const NOTE_OPENERS: &[&str] = &[
    "This is what I see:",
    "I went through it; my notes:",
    "Sure! Here is what I would say.",
    "Below are my thoughts.",
];

/// Words after notes.
pub(super) const NOTE_CLOSERS: &[&str] =
    &["I hope that this helps.", "Let me know if you need more of them."];

/// What an editor says that has nothing to say.
pub(super) const NOTHING_TO_SAY: &str = "I see nothing that I would change.";
