//! Which recorded child the mutator gives: each is given once.

use super::super::Refused;
use super::super::draw;
use super::super::editor::Brief;
use super::world::RecordedWorld;
use crate::prompt::Message;
use crate::seed::Seed;
use std::collections::HashMap;

/// How many prompts of about the parent's accuracy are asked for a child, where it has none left.
const NEAREST: usize = 20;

/// How many replies were of which kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Children of the request's own parent.
    pub own: u64,
    /// Children of another prompt that was about as good.
    pub of_others: u64,
    /// The parent itself, because no child was left.
    pub unchanged: u64,
    /// Refusals: the request shows no recorded prompt, or asks for something that is no prompt.
    pub refused: u64,
}

/// What was given so far.
#[derive(Debug)]
pub(super) struct Mutator {
    seed: Seed,
    is_given: Vec<bool>,
    /// How many requests each parent had.
    requests: HashMap<usize, u64>,
    /// The replies to requests that said their draw: one that is sent again has the same reply.
    replies: HashMap<[u8; 32], usize>,
    pub(super) given: Given,
}

impl Mutator {
    pub(super) fn new(world: &RecordedWorld, seed: Seed) -> Self {
        let seed = seed.child(&world.name, 0);
        let (requests, replies) = (HashMap::new(), HashMap::new());
        let mut new =
            Self { seed, is_given: Vec::new(), requests, replies, given: Given::default() };
        new.reset(world);
        new
    }

    /// Takes all children back.
    pub(super) fn reset(&mut self, world: &RecordedWorld) {
        self.is_given = vec![false; world.prompts.len()];
        // The baseline needs no mutator.
        if let Some(first) = self.is_given.first_mut() {
            *first = true;
        }
        self.requests.clear();
        self.replies.clear();
        self.given = Given::default();
    }

    /// The reply to a request, in the form in which the request shows its parent.
    pub(super) fn reply(
        &mut self,
        world: &RecordedWorld,
        messages: &[Message],
        draw: Option<u64>,
    ) -> Result<String, Refused> {
        let Some((parent, form)) = asked(world, messages) else {
            self.given.refused += 1;
            return Err(Refused::unrecorded(
                "the request shows no recorded prompt, or asks for notes about it",
            ));
        };
        let key = draw.map(|draw| key(messages, draw));
        let known = key.and_then(|key| self.replies.get(&key).copied());
        let child = known.unwrap_or_else(|| self.child_of(world, parent));
        if let Some(key) = key {
            self.replies.insert(key, child);
        }
        let text = world.prompts.get(child).map_or("", |prompt| prompt.text.as_str());
        Ok(form.around(text))
    }

    fn child_of(&mut self, world: &RecordedWorld, parent: usize) -> usize {
        let requests = self.requests.entry(parent).or_default();
        *requests += 1;
        let id = world.prompts.get(parent).map_or("", |prompt| prompt.id.as_str());
        let seed = self.seed.child(id, *requests);
        let own = self.left_of(world, parent);
        let (child, count) = match one_of(seed.child("own", 0), &own) {
            Some(child) => (child, &mut self.given.own),
            None => match self.of_others(world, parent, seed) {
                Some(child) => (child, &mut self.given.of_others),
                None => (parent, &mut self.given.unchanged),
            },
        };
        *count += 1;
        if let Some(is_given) = self.is_given.get_mut(child) {
            *is_given = true;
        }
        child
    }

    /// A prompt's children that were not given yet.
    fn left_of(&self, world: &RecordedWorld, parent: usize) -> Vec<usize> {
        let children = world.children.get(parent).into_iter().flatten();
        children.copied().filter(|child| self.is_given.get(*child) == Some(&false)).collect()
    }

    /// A child of one of the prompts whose accuracy is nearest to the parent's.
    fn of_others(&self, world: &RecordedWorld, parent: usize, seed: Seed) -> Option<usize> {
        let own = world.prompts.get(parent)?.accuracy();
        let mut others: Vec<(f64, Seed, usize, Vec<usize>)> = Vec::new();
        for (place, other) in world.prompts.iter().enumerate() {
            let left = self.left_of(world, place);
            if place != parent && !left.is_empty() {
                // Equals stand in no order of the file.
                let tie = seed.child(&other.id, 0);
                others.push(((other.accuracy() - own).abs(), tie, place, left));
            }
        }
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.0.cmp(&b.1.0)));
        others.truncate(NEAREST);
        let (.., left) = others.get(draw::below(seed.child("other", 0), others.len()))?;
        one_of(seed.child("child", 0), left)
    }
}

fn one_of(seed: Seed, children: &[usize]) -> Option<usize> {
    children.get(draw::below(seed, children.len())).copied()
}

fn key(messages: &[Message], draw: u64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&draw.to_le_bytes());
    for message in messages {
        hasher.update(&(message.content.len() as u64).to_le_bytes());
        hasher.update(message.content.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// What stands around a prompt in a request, and so around the new one in the reply.
#[derive(Debug, PartialEq, Eq)]
struct Form {
    before: String,
    after: String,
}

impl Form {
    fn around(&self, text: &str) -> String {
        format!("{}{text}{}", self.before, self.after)
    }
}

/// The recorded prompt that a request is about.
///
/// The engine's requests show it in the first pair of tags. Of any other request it is the recorded
/// prompt that is shown first, word by word.
fn asked(world: &RecordedWorld, messages: &[Message]) -> Option<(usize, Form)> {
    let brief = Brief::new(messages);
    if brief.notes > 0 {
        return None;
    }
    if let Some(wanted) = brief.wanted.first() {
        let form = Form { before: wanted.opening.clone(), after: brief.closing.clone() };
        return Some((world.place_of(&brief.current)?, form));
    }
    let texts: Vec<&str> = messages.iter().map(|message| message.content.as_str()).collect();
    let whole = texts.join("\n\n");
    let (place, at) = world.first_in(&whole)?;
    let is_fenced = whole[..at].trim_end().ends_with("```");
    let fence = |text: &str| if is_fenced { text.to_owned() } else { String::new() };
    Some((place, Form { before: fence("```\n"), after: fence("\n```") }))
}
