//! What the simulated editor tends to say: frames for rules, general advice, polite words.

/// Frames of a rule: `{S}` stands for it as a sentence, `{s}` with a small letter.
pub(super) const FRAMES: &[&str] = &[
    "{S}.",
    "{S}.",
    "{S}.",
    "Rule: {s}.",
    "Note that {s}.",
    "Remember: {s}.",
    "Keep in mind that {s}.",
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

/// Long-winded words and what they mean.
pub(super) const WORDY: &[(&str, &str)] = &[
    ("in order to", "to"),
    ("due to the fact that", "because"),
    ("in the event that", "if"),
    ("make sure that you", ""),
    ("please make sure to", ""),
    ("it is important that", ""),
    ("keep in mind that", ""),
    ("note that", ""),
    ("one thing that is often missed:", ""),
    ("in such cases:", ""),
    ("watch out:", ""),
    ("as a rule,", ""),
    ("important:", ""),
    ("remember:", ""),
    ("rule:", ""),
    ("please", ""),
    ("very", ""),
    ("carefully", ""),
    ("really", ""),
    ("always", ""),
    ("whether or not", "whether"),
    ("even though", "though"),
    ("a large number of", "many"),
    ("at this point in time", "now"),
    ("is able to", "can"),
    ("prior to", "before"),
    ("with regard to", "about"),
];
