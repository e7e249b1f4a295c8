//! Renders the templates of this folder, and says how values are written in them.

use super::super::Report;
use super::super::verdict::verdict;
use super::super::words::{money, p_value, visible, visible_line};
use crate::score_form::ScoreForm;
use crate::stats::Interval;
use crate::text::{head_and_tail, plural, thousands};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, HtmlEscape, UndefinedBehavior, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The style of all pages.
pub const STYLE: &str = include_str!("style.css");

const MACROS: &str = include_str!("macros.html");

/// Where a page is shown, which decides what its links name.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// Whether a server answers its links.
    live: bool,
    /// What the addresses of a run's pages begin with.
    root: String,
    /// The prompts that have a place of their own in a file.
    shown: BTreeSet<String>,
    /// The run as an argument of a command.
    handle: String,
    #[serde(skip)]
    form: ScoreForm,
}

impl Place {
    /// A file that is opened without a server.
    #[must_use]
    pub fn file(form: ScoreForm, handle: String, shown: BTreeSet<String>) -> Self {
        Self { live: false, root: String::new(), shown, handle, form }
    }

    /// A server's page about a run.
    #[must_use]
    pub fn server(report: &Report<'_>, root: String) -> Self {
        let (form, handle) = (report.score_form(), report.handle());
        Self { live: true, root, shown: BTreeSet::new(), handle, form }
    }

    /// A server's page about several runs.
    #[must_use]
    pub fn list(form: ScoreForm) -> Self {
        Self {
            live: true,
            root: String::new(),
            shown: BTreeSet::new(),
            handle: String::new(),
            form,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    /// What the addresses of a run's pages begin with.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    pub(super) fn handle(&self) -> &str {
        &self.handle
    }

    /// Renders a section; an error of the template stands in its place.
    pub(super) fn section(&self, template: &str, it: impl Serialize) -> Section {
        let value = minijinja::context! { base => Serde(self), it => Serde(it) };
        Section(self.render(template, value))
    }

    fn render(&self, template: &str, value: Value) -> String {
        // The templates are part of the program and tested. If one fails all the same, the page shows the error.
        self.try_render(template, value).unwrap_or_else(|error| {
            let text = format!("the page's template is broken: {error:#}");
            format!("<p>{}</p>", HtmlEscape(&text))
        })
    }

    fn try_render(&self, template: &str, value: Value) -> Result<String, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment
            .set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        let form = self.form;
        environment.add_filter("plural", |count: usize, noun: &str| plural(count, noun));
        environment.add_filter("thousands", |number: u64| thousands(number));
        environment.add_filter("range_below", range_below);
        environment.add_filter("breaks", breaks);
        environment.add_filter("visible", |text: &str| visible(text));
        environment.add_filter("cut", |text: &str, most: usize| head_and_tail(text, most));
        environment.add_filter("path", path);
        environment.add_filter("money", money);
        environment.add_filter("p_value", p_value);
        environment.add_filter("score", move |score: f64| form.score(score));
        environment.add_filter("interval", move |value: Value| {
            let Interval { mean, low, high, .. } = interval(value)?;
            Ok::<_, Error>(format!("{} ({})", form.score(mean), form.range(low, high)))
        });
        environment.add_filter("share", |value: Value| {
            let Interval { mean, low, high, .. } = interval(value)?;
            let form = ScoreForm::Percent;
            Ok::<_, Error>(format!("{} ({})", form.score(mean), form.range(low, high)))
        });
        environment.add_filter("gain", move |value: Value| {
            let Interval { mean, low, high, .. } = interval(value)?;
            Ok::<_, Error>(format!("{} ({})", form.gain(mean), form.gain_range(low, high)))
        });
        let source = format!("{MACROS}{template}");
        environment.add_template_owned("page", source)?;
        environment.get_template("page")?.render(value)
    }
}

fn interval(value: Value) -> Result<Interval, Error> {
    Interval::deserialize(value)
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
}

/// Puts a figure's interval on a line of its own.
fn range_below(figure: &str) -> Value {
    let escaped = |text: &str| HtmlEscape(text).to_string();
    Value::from_safe_string(match figure.split_once(" (") {
        Some((mean, interval)) => {
            format!("{}<span class=\"range\">({}</span>", escaped(mean), escaped(interval))
        }
        None => escaped(figure),
    })
}

/// Changed text; if it is only white space, line ends are made visible.
fn breaks(text: &str) -> Value {
    let escaped = HtmlEscape(text).to_string();
    Value::from_safe_string(if text.chars().all(char::is_whitespace) {
        escaped.replace('\n', "<span class=\"break\" aria-hidden=\"true\">↵</span>\n")
    } else {
        escaped
    })
}

/// A part of an address, escaped.
#[must_use]
pub fn path(text: &str) -> String {
    let mut path = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                path.push(char::from(byte));
            }
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

/// A rendered part of a page.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Section(String);

impl Section {
    /// Its HTML.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A link to a page.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// The address.
    pub href: String,
    /// The page's name.
    pub title: String,
    /// Whether it is this page.
    pub is_here: bool,
}

/// The frame of a page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Shell {
    /// The page's title.
    pub title: String,
    /// `report`, `view`.
    pub kind: &'static str,
    /// The run, or what else it is about.
    pub name: String,
    /// How the run stands, in a line.
    pub standing: String,
    /// The pages beside it.
    pub nav: Vec<Link>,
    /// What it shows.
    pub sections: Vec<Section>,
    /// Where a server tells of changes.
    pub events: Option<String>,
    /// Which state of the run it shows.
    pub version: String,
}

impl Shell {
    /// That of the report of a run.
    pub(super) fn of_report(report: &Report<'_>, sections: Vec<Section>) -> Self {
        let name = visible_line(&report.summary.run);
        let title = format!("{}: {name}", verdict(report).word);
        Self { title, kind: "report", name, sections, ..Self::default() }
    }
}

/// A whole page.
#[must_use]
pub fn page(place: &Place, shell: Shell) -> String {
    let value = minijinja::context! { base => Serde(place), page => Serde(shell), style => STYLE };
    place.render(include_str!("shell.html"), value).trim_start().to_owned()
}

/// A sentence instead of a page, with what to try in backticks.
#[must_use]
pub fn message(place: &Place, text: &str, hint: Option<&str>, is_trouble: bool) -> Section {
    #[derive(Serialize)]
    struct Message<'a> {
        text: String,
        hint: Option<&'a str>,
        is_trouble: bool,
    }
    let text = visible(text);
    place.section(include_str!("message.html"), Message { text, hint, is_trouble })
}

/// A page of a list, with the addresses of those beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pages {
    /// From 1.
    pub number: usize,
    /// How many there are.
    pub last: usize,
    before: Option<String>,
    after: Option<String>,
    #[serde(skip)]
    size: usize,
}

impl Pages {
    /// The page of this number of a list, or the last one; `address` makes the address of a page.
    #[must_use]
    pub fn of(all: usize, size: usize, asked: usize, address: impl Fn(usize) -> String) -> Self {
        let last = all.div_ceil(size).max(1);
        let number = asked.clamp(1, last);
        Self {
            number,
            last,
            before: (number > 1).then(|| address(number - 1)),
            after: (number < last).then(|| address(number + 1)),
            size,
        }
    }

    /// The items of the page.
    #[must_use]
    pub fn range(&self) -> std::ops::Range<usize> {
        let first = self.number.saturating_sub(1) * self.size;
        first..first + self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_beyond_the_end_is_the_last_one() {
        let pages = Pages::of(101, 50, 9, |page| format!("?page={page}"));
        assert_eq!((pages.number, pages.last, pages.range()), (3, 3, 100..150));
        assert_eq!((pages.before.as_deref(), pages.after), (Some("?page=2"), None));
        assert_eq!(Pages::of(0, 50, 0, |_| String::new()).range(), 0..50);
    }

    #[test]
    fn nothing_of_a_name_is_part_of_an_address() {
        assert_eq!(path("a/../b?c=<d>&é"), "a%2F..%2Fb%3Fc%3D%3Cd%3E%26%C3%A9");
    }
}
