//! What keeps a provider from answering: its last words, since when, and how long that is waited for.
//!
//! For people, and for the limits on waiting. No decision of a search uses it.

use super::remedy::Remedy;
use crate::event::Failure;
use crate::provider::LlmError;
use crate::provider::limit::BlockedBy;
use crate::provider::registry::Patience;
use crate::task::model::ModelRole;
use crate::text;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// How long a connection that is refused is waited for, where the server was never reached: its
/// address may be wrong.
const UNKNOWN_SERVER: Duration = Duration::from_secs(60);
/// The same, where no server has that name.
const UNKNOWN_HOST: Duration = Duration::from_secs(5);
/// Once the time of a run is over, how long it waits for an answer at least, and at most.
const GRACE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(30)];
/// The same, where nothing is known: no attempt of this session was answered, and none failed.
const UNKNOWN_GRACE: Duration = Duration::from_secs(5);
/// Silence is told when it is longer than this multiple of the mean latency.
const SLOW: u32 = 5;
/// Silence of at least this long is told.
const TOLD: Duration = Duration::from_secs(10);

/// What a run waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// What keeps the answers away.
    pub reason: WaitReason,
    /// Since when there has been no answer.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// What happens then.
    pub then: WaitEnd,
    /// What the provider says, or what is known.
    pub words: String,
}

/// How a wait ends that no answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitEnd {
    /// The provider asked to wait for this long: it is tried again.
    Retry,
    /// The run stops.
    Stop,
    /// The answers are expected.
    Answers,
}

/// What keeps answers away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// The provider asks for fewer requests.
    Throttled,
    /// The provider is not ready, or overloaded.
    Loading,
    /// Nothing takes the connection.
    Unreachable,
    /// Attempts fail.
    Failing,
    /// Nothing comes.
    Silent,
    /// A batch is at its provider.
    Batch,
    /// No request may be sent: a rate, a pace, or other runs.
    HeldBack,
}

impl WaitReason {
    /// For people, before how long it has been so.
    fn in_words(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Loading => "not ready",
            Self::Unreachable => "not reached",
            Self::Failing => "failing",
            Self::Silent => "silent",
            Self::Batch => "at the provider",
            Self::HeldBack => "held back",
        }
    }
}

/// The state of a run's connection to one provider.
#[derive(Debug)]
pub(super) struct Trouble {
    /// The provider, for people.
    who: String,
    patience: Patience,
    /// How many calls of each role want an answer.
    open: BTreeMap<ModelRole, usize>,
    /// Since when there has been no answer, while calls want one.
    silent_since: Instant,
    answered_at: Option<Instant>,
    is_reached: bool,
    failure: Option<Failed>,
    /// What the last attempt says that failed, whatever was answered since: when, its words, and what to do.
    last_failed: Option<(Instant, String, Remedy)>,
    /// The words of the last failed attempt that may have been billed.
    billed: Option<String>,
}

/// The last attempt that failed since the last answer.
#[derive(Debug)]
struct Failed {
    role: ModelRole,
    kind: Failure,
    words: String,
    until: Option<Instant>,
}

impl Trouble {
    pub(super) fn new(who: &str, patience: Patience, now: Instant) -> Self {
        Self {
            who: who.to_owned(),
            patience,
            open: BTreeMap::new(),
            silent_since: now,
            answered_at: None,
            is_reached: false,
            failure: None,
            last_failed: None,
            billed: None,
        }
    }

    /// Whether no call wants an answer.
    pub(super) fn is_idle(&self) -> bool {
        self.open.values().all(|calls| *calls == 0)
    }

    /// A call wants an answer.
    pub(super) fn asked(&mut self, role: ModelRole, now: Instant) {
        if self.is_idle() {
            self.silent_since = now;
            self.failure = None;
        }
        *self.open.entry(role).or_default() += 1;
    }

    /// A call wants none any more.
    pub(super) fn done(&mut self, role: ModelRole) {
        let calls = self.open.entry(role).or_default();
        *calls = calls.saturating_sub(1);
    }

    /// An attempt was answered.
    pub(super) fn answered(&mut self, now: Instant) {
        self.silent_since = now;
        self.answered_at = Some(now);
        self.is_reached = true;
        // An answer on its way does not lift a pause that the provider asked for.
        let pauses = |failure: &Failed| failure.until.is_some_and(|until| until > now);
        self.failure = self.failure.take().filter(pauses);
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, role: ModelRole, error: &LlmError, now: Instant) {
        let until = error.retry_after.and_then(|delay| now.checked_add(delay));
        let kind = error.failure;
        let is_missed = [Failure::Unreachable, Failure::UnknownHost, Failure::Certificate];
        self.is_reached |= !is_missed.contains(&kind);
        self.failure = Some(Failed { role, kind, words: error.message.clone(), until });
        if error.may_be_billed {
            self.billed = Some(error.message.clone());
        }
        self.last_failed = Some((now, error.message.clone(), Remedy::of(error)));
    }

    /// The words of the last failed attempt that may have been billed, whatever was answered since.
    pub(super) fn billed_words(&self) -> Option<&str> {
        self.billed.as_deref()
    }

    /// When an attempt failed last, and what to do against what stopped the run for this reason, if the
    /// reason tells of it.
    pub(super) fn remedy(&self, why: &str) -> Option<(Instant, Remedy)> {
        let (at, words, remedy) = self.last_failed.as_ref()?;
        why.contains(words).then_some((*at, *remedy))
    }

    /// What it said last, where it has not answered since.
    pub(super) fn last_words(&self) -> Option<String> {
        self.failure.as_ref().map(|failure| failure.words.clone())
    }

    /// Whether any call was answered since this moment.
    pub(super) fn answered_since(&self, moment: Instant) -> bool {
        self.answered_at.is_some_and(|answered| answered > moment)
    }

    /// How long an answer is waited for.
    pub(super) fn patience(&self) -> Duration {
        match self.failure.as_ref().map(|failure| failure.kind) {
            Some(Failure::Unavailable) => self.patience.loading,
            Some(Failure::Unreachable) if !self.is_reached => {
                UNKNOWN_SERVER.min(self.patience.silence)
            }
            Some(Failure::UnknownHost) if !self.is_reached => {
                UNKNOWN_HOST.min(self.patience.silence)
            }
            _ => self.patience.silence,
        }
    }

    /// How long calls have wanted an answer, and there has been none.
    fn silence(&self, now: Instant) -> Duration {
        match self.is_idle() {
            true => Duration::ZERO,
            false => now.saturating_duration_since(self.silent_since),
        }
    }

    /// Why waiting on is of no use: no answer for too long or, once the time of the run is over, for
    /// longer than any answer took. `slowest` is the slowest answer of this session, zero before the
    /// first: a slow model is not stuck.
    pub(super) fn is_stuck(
        &self,
        is_time_over: bool,
        slowest: Duration,
        now: Instant,
    ) -> Option<String> {
        if self.is_idle() {
            return None;
        }
        let grace = match (&self.failure, slowest) {
            (None, Duration::ZERO) => UNKNOWN_GRACE,
            _ => slowest.mul_f64(1.5).clamp(GRACE[0], GRACE[1]),
        };
        let silence = self.silence(now);
        let is_late = is_time_over && silence >= grace;
        let (state, silent) = (self.reason().in_words(), text::duration(silence));
        let what = format!("{state} for {silent}: {}", self.in_words());
        // A call that alone is not answered ends by itself, when its own wait is over: before the run does.
        let margin = match self.answered_at {
            Some(_) => slowest.saturating_mul(3).clamp(GRACE[0], GRACE[1]),
            None => Duration::ZERO,
        };
        match silence >= self.patience() + margin {
            true => Some(what),
            false => is_late.then(|| format!("the time of the run is over: {what}")),
        }
    }

    /// What keeps the answers away.
    fn reason(&self) -> WaitReason {
        match self.failure.as_ref().map(|failure| failure.kind) {
            None => WaitReason::Silent,
            Some(Failure::Throttled) => WaitReason::Throttled,
            Some(Failure::Unavailable) => WaitReason::Loading,
            Some(Failure::Unreachable | Failure::UnknownHost) => WaitReason::Unreachable,
            Some(_) => WaitReason::Failing,
        }
    }

    fn in_words(&self) -> String {
        if let Some(failure) = &self.failure {
            return failure.role.said(&failure.words);
        }
        let open = self.open.iter().filter(|(_, calls)| **calls > 0);
        let calls = open.map(|(role, calls)| text::plural(*calls, &format!("{role} request")));
        let calls = calls.collect::<Vec<_>>().join(", ");
        format!("{} has not answered; {calls} waiting", self.who)
    }

    /// What is waited for at this moment, which is `time` on the clock; `None` where answers come.
    pub(super) fn waiting(
        &self,
        latency: Duration,
        time: Timestamp,
        now: Instant,
    ) -> Option<Waiting> {
        let silence = self.silence(now);
        let is_slow = silence >= TOLD.max(latency.saturating_mul(SLOW));
        if self.is_idle() || self.failure.is_none() && !is_slow {
            return None;
        }
        let reason = self.reason();
        let gives_up = self.silent_since.checked_add(self.patience());
        let asked = self.failure.as_ref().and_then(|failure| failure.until);
        let asked = asked.filter(|until| *until > now).map(|until| (until, WaitEnd::Retry));
        let (until, then) = asked.unwrap_or((gives_up.unwrap_or(now), WaitEnd::Stop));
        let words = text::shorten(&self.in_words(), 160);
        let moment = |instant: Instant| {
            let after = instant.saturating_duration_since(now);
            let before = now.saturating_duration_since(instant);
            let shift = |duration| SignedDuration::try_from(duration).unwrap_or_default();
            time.saturating_add(shift(after) - shift(before)).unwrap_or(Timestamp::MAX)
        };
        let since = moment(self.silent_since);
        Some(Waiting { reason, since, until: moment(until), then, words })
    }
}

impl Waiting {
    /// A batch that is out since then, and expected to take this long.
    pub(super) fn for_batch(since: Timestamp, wait: Duration, words: String) -> Self {
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let until = since.saturating_add(wait).unwrap_or(Timestamp::MAX);
        Self { reason: WaitReason::Batch, since, until, then: WaitEnd::Answers, words }
    }

    /// What has kept requests to a provider back for a while; `None` for a moment.
    pub(super) fn for_place(
        hold: BlockedBy,
        who: &str,
        held: Duration,
        now: Timestamp,
    ) -> Option<Self> {
        let (words, left) = match hold {
            BlockedBy::Asked(left) => (format!("{who} asked to wait"), left),
            BlockedBy::Away(left) => (format!("{who} is not there, or not ready"), left),
            BlockedBy::UsedUp(left) => (format!("{who} says that its rates are used up"), left),
            BlockedBy::Paced(left) => {
                let pace = "`rpm`, `tpm`, or the pace that it was seen to take";
                (format!("the rates of {who}: {pace}"), left)
            }
            BlockedBy::Full => (format!("all places at {who} are taken"), Duration::ZERO),
            BlockedBy::OtherRuns(runs) => {
                let runs = text::plural(runs, "other run");
                (format!("{runs} on this machine use {who}"), Duration::ZERO)
            }
        };
        let shift = |duration| SignedDuration::try_from(duration).unwrap_or_default();
        let since = now.saturating_sub(shift(held)).unwrap_or(now);
        let until = now.saturating_add(shift(left)).unwrap_or(now);
        let reason = WaitReason::HeldBack;
        (held + left >= TOLD).then_some(Self { reason, since, until, then: WaitEnd::Retry, words })
    }

    /// For the line of progress.
    #[must_use]
    pub fn in_words(&self, now: Timestamp) -> String {
        let span = |from: Timestamp, to: Timestamp| {
            text::duration(Duration::try_from(to.duration_since(from)).unwrap_or_default())
        };
        let state = self.reason.in_words();
        let is_over = self.until < now;
        let (since, left) = (
            span(self.since, now),
            if is_over { span(self.until, now) } else { span(now, self.until) },
        );
        let then = match self.then {
            WaitEnd::Retry => "asks again in",
            WaitEnd::Stop => "gives up in",
            WaitEnd::Answers if is_over => "expected earlier, by",
            WaitEnd::Answers => "expected in",
        };
        format!("waiting: {state} for {since}, {then} {left}: {}", self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { silence: Duration::from_secs(1_800), loading: Duration::from_secs(600) };

    fn error(failure: Failure, retry_after: Option<u64>) -> LlmError {
        let retry_after = retry_after.map(Duration::from_secs);
        let message = "provider `p` said no".to_owned();
        LlmError {
            failure,
            may_be_billed: false,
            retry_after,
            usage: None,
            refused_field: None,
            envelope: Box::default(),
            message,
        }
    }

    /// A provider with one open call, and the moments since then.
    fn asked() -> (Trouble, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        let mut trouble = Trouble::new("provider `p` (h.example:1)", PATIENCE, start);
        trouble.asked(ModelRole::Task, start);
        (trouble, move |seconds| start + Duration::from_secs(seconds))
    }

    #[test]
    fn the_wait_is_as_long_as_what_is_waited_for_is_worth() {
        let gives_up = |failure: Failure, is_reached: bool| {
            let (mut trouble, at) = asked();
            if is_reached {
                trouble.answered(at(0));
            }
            trouble.failed(ModelRole::Task, &error(failure, None), at(1));
            (0..4_000).find(|second| trouble.is_stuck(false, Duration::ZERO, at(*second)).is_some())
        };
        let (mut trouble, at) = asked();
        trouble.failed(ModelRole::Task, &error(Failure::Throttled, None), at(1));
        assert_eq!(
            trouble.is_stuck(false, Duration::ZERO, at(1_800)).unwrap(),
            "throttled for 30 min 00 s: task model: provider `p` said no"
        );
        assert_eq!(gives_up(Failure::Throttled, false), Some(1_800));
        assert_eq!(gives_up(Failure::Unavailable, false), Some(600));
        assert_eq!(gives_up(Failure::Unreachable, false), Some(60), "the address may be wrong");
        assert_eq!(gives_up(Failure::Unreachable, true), Some(1_802), "others were answered");
        assert_eq!(gives_up(Failure::UnknownHost, false), Some(5), "the name may be wrong");
        assert_eq!(gives_up(Failure::UnknownHost, true), Some(1_802), "the network is down");
    }

    #[test]
    fn nothing_is_waited_for_where_nothing_is_asked() {
        let (mut trouble, at) = asked();
        trouble.done(ModelRole::Task);
        assert_eq!(trouble.is_stuck(true, Duration::ZERO, at(9_999)), None);
        trouble.asked(ModelRole::Task, at(10_000));
        assert_eq!(trouble.is_stuck(false, Duration::ZERO, at(10_001)), None);
    }

    #[test]
    fn once_the_time_is_over_a_slow_model_is_not_stuck() {
        let (mut trouble, at) = asked();
        let second = Duration::from_secs(1);
        let is_stuck = |trouble: &Trouble, slowest, seconds| {
            trouble.is_stuck(true, slowest, at(seconds)).is_some()
        };
        assert!(!is_stuck(&trouble, Duration::ZERO, 4), "it has not answered yet");
        assert!(is_stuck(&trouble, Duration::ZERO, 5), "it hangs");
        trouble.failed(ModelRole::Task, &error(Failure::Throttled, Some(30)), at(0));
        assert!(is_stuck(&trouble, second, 10));
        assert!(!is_stuck(&trouble, 9 * second, 10), "slow is not stuck");
        assert!(!is_stuck(&trouble, Duration::ZERO, 1));
    }

    #[test]
    fn what_is_waited_for_is_told_until_an_answer_comes() {
        let (mut trouble, at) = asked();
        let time = Timestamp::UNIX_EPOCH;
        let waiting =
            |trouble: &Trouble, seconds| trouble.waiting(Duration::ZERO, time, at(seconds));
        assert_eq!(waiting(&trouble, 3), None);
        let silent = waiting(&trouble, 12).unwrap();
        assert_eq!(silent.reason, WaitReason::Silent);
        let words = "provider `p` (h.example:1) has not answered; 1 task request waiting";
        assert_eq!(silent.words, words);
        trouble.asked(ModelRole::MUTATOR, at(13));
        trouble.asked(ModelRole::MUTATOR, at(13));
        let words = waiting(&trouble, 13).unwrap().words;
        assert!(words.ends_with("1 task request, 2 mutator requests waiting"), "{words}");
        trouble.failed(ModelRole::Task, &error(Failure::Throttled, Some(30)), at(20));
        let throttled = waiting(&trouble, 30).unwrap();
        assert_eq!(
            throttled.in_words(time),
            "waiting: throttled for 30 s, asks again in 20 s: task model: provider `p` said no"
        );
        trouble.failed(ModelRole::Task, &error(Failure::Unavailable, None), at(55));
        let loading = waiting(&trouble, 60).unwrap();
        assert_eq!(
            loading.in_words(time),
            "waiting: not ready for 1 min 00 s, gives up in 9 min 00 s: task model: provider `p` said no"
        );
        trouble.answered(at(61));
        assert_eq!(waiting(&trouble, 62), None);
        trouble.failed(ModelRole::Task, &error(Failure::Throttled, Some(120)), at(70));
        trouble.answered(at(71));
        assert_eq!(waiting(&trouble, 80).unwrap().reason, WaitReason::Throttled);
        trouble.answered(at(191));
        assert_eq!(waiting(&trouble, 192), None);
    }
}
