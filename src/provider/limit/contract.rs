//! The contract of [`SendLimit`](super::SendLimit), as tests for each implementation.

use super::{RatesLeft, SendLimit};
use crate::units::Tokens;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::time::timeout;

/// Longer than any wait of a limit that works.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a provider asks to wait here.
const SHORT_WAIT: Option<Duration> = Some(Duration::from_millis(100));

/// Makes a limit of this many attempts at a time.
type Make<'a> = &'a dyn Fn(usize) -> Arc<dyn SendLimit>;

/// Tests one implementation.
pub(in crate::provider) fn check(make: Make<'_>) {
    run(async {
        places_are_given_in_the_order_of_asking(&make(3)).await;
        never_more_are_in_flight_than_the_limit(&make(3)).await;
        a_waiter_that_is_dropped_leaves_no_trace(&make(2)).await;
        no_report_keeps_a_place(&make(1)).await;
    });
}

/// Runs a future on two threads.
pub(in crate::provider) fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Whether a future, asked once, is not ready.
pub(in crate::provider) async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    // Without the runtime's budget, in which a future that is ready may not say so.
    let mut asked = pin!(tokio::task::unconstrained(future));
    std::future::poll_fn(|cx| Poll::Ready(asked.as_mut().poll(cx).is_pending())).await
}

/// Exactly this many places are free.
async fn assert_free(limit: &Arc<dyn SendLimit>, count: usize) {
    let mut held = Vec::new();
    for place in 0..count {
        let permit = timeout(PATIENCE, limit.acquire(Tokens(1))).await;
        held.push(permit.unwrap_or_else(|_| panic!("{limit:?}: place {place} of {count} is lost")));
    }
    assert!(
        timeout(Duration::from_millis(20), limit.acquire(Tokens(1))).await.is_err(),
        "{limit:?}"
    );
}

/// A place that becomes free belongs to the attempt that has waited longest, not to one that asks just
/// then.
async fn places_are_given_in_the_order_of_asking(limit: &Arc<dyn SendLimit>) {
    let mut held = vec![
        limit.acquire(Tokens(1)).await,
        limit.acquire(Tokens(1)).await,
        limit.acquire(Tokens(1)).await,
    ];
    let mut waiting = VecDeque::new();
    for _ in 0..8 {
        let mut place = limit.acquire(Tokens(1));
        assert!(is_pending(&mut place).await, "{limit:?}");
        waiting.push_back(place);
    }
    for _ in 0..40 {
        held.pop();
        let mut newcomer = limit.acquire(Tokens(1));
        assert!(is_pending(&mut newcomer).await, "a newcomer goes first: {limit:?}");
        let first = waiting.pop_front().unwrap();
        for place in waiting.iter_mut().rev() {
            assert!(is_pending(place).await, "a later one goes first: {limit:?}");
        }
        let permit = timeout(PATIENCE, first).await;
        held.push(permit.unwrap_or_else(|_| panic!("the first one is not next: {limit:?}")));
        waiting.push_back(newcomer);
    }
    drop((held, waiting));
    assert_free(limit, 3).await;
}

async fn never_more_are_in_flight_than_the_limit(limit: &Arc<dyn SendLimit>) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let (limit, now, most) = (Arc::clone(limit), Arc::clone(&now), Arc::clone(&most));
            tokio::spawn(async move {
                let _permit = limit.acquire(Tokens(1)).await;
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
            })
        })
        .collect();
    for task in tasks {
        timeout(PATIENCE, task).await.expect("a place is lost").unwrap();
    }
    let most = most.load(Ordering::SeqCst);
    assert!((1..=3).contains(&most), "{limit:?}: {most} at a time");
    assert_free(limit, 3).await;
}

async fn a_waiter_that_is_dropped_leaves_no_trace(limit: &Arc<dyn SendLimit>) {
    for _ in 0..100 {
        let held = (limit.acquire(Tokens(1)).await, limit.acquire(Tokens(1)).await);
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let limit = Arc::clone(limit);
                tokio::spawn(async move { drop(limit.acquire(Tokens(1)).await) })
            })
            .collect();
        tokio::task::yield_now().await;
        for task in waiting.iter().step_by(2) {
            task.abort();
        }
        drop(held);
        for task in waiting {
            // Half of them were aborted; none may wait for ever.
            let _ = timeout(PATIENCE, task).await.expect("a place is lost");
        }
    }
    assert_free(limit, 2).await;
}

/// A limit may wait longer after a refusal, but a place is free again in the end.
async fn no_report_keeps_a_place(limit: &Arc<dyn SendLimit>) {
    let permit = limit.acquire(Tokens(1)).await;
    permit.on_success(None, RatesLeft::default());
    drop(permit);
    let permit = limit.acquire(Tokens(1)).await;
    permit.on_throttled(SHORT_WAIT);
    drop(permit);
    let permit = timeout(PATIENCE, limit.acquire(Tokens(1))).await.expect("a place is lost");
    // Both reports, in either order, are not a mistake that may cost a place.
    permit.on_success(None, RatesLeft::default());
    permit.on_throttled(SHORT_WAIT);
    drop(permit);
    assert_free(limit, 1).await;
}
