//! The contract of [`Llm`], as tests for each implementation.
//!
//! What they ask must be answered by a model that follows its seed: a request is always answered the
//! same way, and its answer is known.

use super::{Failure, Finish, Llm, Reply, Request};
use crate::task::model::ModelName;
use std::time::Duration;
use tokio::time::timeout;

/// Longer than any attempt takes here.
const PATIENCE: Duration = Duration::from_secs(20);

/// What an implementation is tested with.
pub(crate) struct Subject<'a> {
    /// The implementation.
    pub(crate) llm: &'a dyn Llm,
    /// Requests at temperature 0, and their answers, of which at least two differ and all are longer
    /// than a token.
    pub(crate) asked: Vec<(Request, String)>,
    /// A request whose answer depends on the draw.
    pub(crate) drawn: Request,
    /// What no message may show.
    pub(crate) key: &'a str,
}

/// Tests one implementation.
pub(crate) async fn check(subject: &Subject<'_>) {
    each_request_gets_its_own_answer(subject).await;
    the_longest_answer_is_kept_to(subject).await;
    the_draw_decides(subject).await;
    an_unknown_model_is_refused_at_no_cost(subject).await;
    attempts_that_are_dropped_leave_no_trace(subject).await;
}

/// All at once, so that a mix-up of connections would show.
async fn each_request_gets_its_own_answer(subject: &Subject<'_>) {
    let attempts = subject.asked.iter().map(|(request, _)| subject.llm.complete(request));
    let replies = timeout(PATIENCE, futures_util::future::join_all(attempts)).await.unwrap();
    for (reply, (request, expected)) in replies.into_iter().zip(&subject.asked) {
        let reply = reply.unwrap();
        assert_eq!(reply.text, *expected, "{request:?}");
        assert_eq!(reply.finish, Finish::Stop);
        let usage = reply.usage.expect("tokens are counted");
        assert!(usage.prompt().0 > 0 && usage.output.0 > 0, "{usage:?}");
        // A token is at least a quarter of a byte and at most a long word.
        assert!(usage.prompt().0 as usize <= 4 * request.bytes() + 64, "{usage:?}");
        assert!(usage.prompt().0 as usize >= request.bytes() / 64, "{usage:?}");
    }
}

async fn the_longest_answer_is_kept_to(subject: &Subject<'_>) {
    let (request, expected) = &subject.asked[0];
    let short = Request { max_output_tokens: 1, ..request.clone() };
    let reply = subject.llm.complete(&short).await.unwrap();
    assert_eq!(reply.finish, Finish::Length, "{reply:?}");
    assert!(reply.text.len() < expected.len() && expected.starts_with(&reply.text), "{reply:?}");
    assert_eq!(reply.usage.expect("tokens are counted").output.0, 1);
}

async fn the_draw_decides(subject: &Subject<'_>) {
    let mut texts = Vec::new();
    for draw in (0..48).chain([u64::MAX]) {
        let request = Request { draw, ..subject.drawn.clone() };
        let first = subject.llm.complete(&request).await.unwrap();
        let again = subject.llm.complete(&request).await.unwrap();
        // It may take longer.
        let again = Reply { envelope: first.envelope.clone(), ..again };
        assert_eq!(again, first, "draw {draw}");
        texts.push(first.text);
    }
    texts.sort();
    texts.dedup();
    assert!(texts.len() > 1, "every draw is answered with {texts:?}");
}

async fn an_unknown_model_is_refused_at_no_cost(subject: &Subject<'_>) {
    let (request, _) = &subject.asked[0];
    let provider = request.model.provider();
    let model = ModelName::parse(&format!("{provider}/no-such-model")).unwrap();
    let error = subject.llm.complete(&Request { model, ..request.clone() }).await.unwrap_err();
    assert_eq!(error.failure, Failure::BadRequest, "{error:?}");
    assert!(!error.may_be_billed, "{error:?}");
    assert_eq!(error.retry_after, None, "{error:?}");
    assert!(error.message.contains("no-such-model"), "{error}");
    assert!(!format!("{error} {error:?}").contains(subject.key), "{error:?}");
}

async fn attempts_that_are_dropped_leave_no_trace(subject: &Subject<'_>) {
    for micros in [0, 50, 200, 1_000] {
        let attempts = subject.asked.iter().map(|(request, _)| subject.llm.complete(request));
        let all = futures_util::future::join_all(attempts);
        // Whether they end in time or are dropped on the way, the next ones are answered.
        let _ = timeout(Duration::from_micros(micros), all).await;
    }
    each_request_gets_its_own_answer(subject).await;
}
