//! The last check in Prometheus' text format, version 0.0.4, for a collector of text files.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>. No timestamps, which the collector refuses.

use super::{CheckFinding, History, Judged};
use crate::stats::Interval;
use std::fmt::Write as _;

/// The state of a monitor: `labels` name it, and are escaped here.
#[must_use]
pub fn text(labels: &[(&str, &str)], history: &History) -> String {
    let mut out = Families { labels, text: String::new() };
    let is_measured = history.not_measured().is_none() && !history.checks().is_empty();
    out.gauge("measured", "Whether the last check was measured", &[(&[], number(is_measured))]);
    let checks = history.checks().len() as f64;
    out.family("checks_total", "counter", "Checks that were measured", &[(&[], checks)]);
    let usd = history.spent().usd.dollars();
    out.family(
        "spent_usd_total",
        "counter",
        "Dollars that all measured checks cost",
        &[(&[], usd)],
    );
    if let Some(last) = history.checks().last() {
        out.of_check(last);
    }
    out.text
}

fn number(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

type Labels<'a> = &'a [(&'a str, &'a str)];

struct Families<'a> {
    labels: Labels<'a>,
    text: String,
}

impl Families<'_> {
    fn of_check(&mut self, judged: &Judged) {
        let check = &judged.check;
        let at = check.at.as_millisecond() as f64 / 1_000.0;
        self.gauge(
            "last_check_timestamp_seconds",
            "When the last measured check ended",
            &[(&[], at)],
        );
        let sides = [("prompt", Some(&check.prompt)), ("canary", check.canary.as_ref())];
        let sides: Vec<_> = sides
            .into_iter()
            .filter_map(|(name, side)| Some(([("of", name)], side?.scores)))
            .collect();
        let all = |value: fn(&crate::report::PairedScores) -> f64| -> Vec<(Labels<'_>, f64)> {
            sides.iter().map(|(labels, scores)| (&labels[..], value(scores))).collect()
        };
        self.gauge("score", "Mean score on the rows of the record", &all(|it| it.mean));
        self.gauge("recorded_score", "Mean score in the record", &all(|it| it.baseline_mean));
        self.gauge("rows", "Rows with a score now and in the record", &all(|it| it.rows as f64));
        let of =
            |end: fn(&Interval) -> f64| move |it: &crate::report::PairedScores| end(&it.difference);
        for (name, help, end) in [
            (
                "difference",
                "Score now minus the recorded one",
                (|it: &Interval| it.mean) as fn(&Interval) -> f64,
            ),
            ("difference_low", "Low end of its 95 % interval", |it| it.low),
            ("difference_high", "High end of its 95 % interval", |it| it.high),
        ] {
            let value = of(end);
            let samples: Vec<(Labels<'_>, f64)> =
                sides.iter().map(|(labels, scores)| (&labels[..], value(scores))).collect();
            self.gauge(name, help, &samples);
        }
        let evidence: Vec<(Labels<'_>, f64)> =
            [("loss", Some(judged.loss)), ("change", judged.change)]
                .iter()
                .zip([&[("of", "loss")], &[("of", "change")]])
                .filter_map(|((_, share), labels)| Some((&labels[..], (*share)?)))
                .collect();
        self.gauge("evidence", "Share of the evidence that an alarm needs: 1 raises it", &evidence);
        let is_breach = judged.finding == CheckFinding::Breach;
        self.gauge(
            "breach",
            "Whether the prompt is worse than its record by more than the tolerance",
            &[(&[], number(is_breach))],
        );
        self.gauge("drift", "Whether the model has changed", &[(&[], number(judged.has_drifted))]);
    }

    fn gauge(&mut self, name: &str, help: &str, samples: &[(Labels<'_>, f64)]) {
        self.family(name, "gauge", help, samples);
    }

    fn family(&mut self, name: &str, kind: &str, help: &str, samples: &[(Labels<'_>, f64)]) {
        let name = format!("promptsearch_monitor_{name}");
        let _ = writeln!(self.text, "# HELP {name} {help}.\n# TYPE {name} {kind}");
        for (own, value) in samples {
            let labels: Vec<String> = self
                .labels
                .iter()
                .chain(own.iter())
                .map(|(label, text)| format!("{label}=\"{}\"", escaped(text)))
                .collect();
            let _ = writeln!(self.text, "{name}{{{}}} {value}", labels.join(","));
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
