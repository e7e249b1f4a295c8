//! A provider of batches in this process that fails as services do: what it took it does not say, what it
//! answered it garbles, what it had it forgets.

use crate::server::{Reply, Request, Server, answer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// One way of failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It takes its first batch, and says 503.
    Says503AndTakes,
    /// It takes its first batch, says 500, and lists it after a while.
    Says500AndListsLate,
    /// The same, and it refuses to begin the second one.
    Says500AndListsLateThen400,
    /// The same, and it takes the second one, which fails as a whole.
    Says500AndListsLateThenFails,
    /// It takes its first batch, says 500, and lists it once it is asked to begin another one.
    Says500AndListsBoth,
    /// The same, and it says 429.
    Says429AndListsBoth,
    /// It takes no batch, and says 429.
    Says429Always,
    /// It takes no batch, and says 500.
    Says500,
    /// It takes its first batch, and answers with a page.
    AnswersAPageAndTakes,
    /// It takes its first batch, answers with a page, and never lists it.
    HidesAndTakes,
    /// It does not take its first batch, and says 429.
    Says429,
    /// It takes the uploaded file of its first batch only when it is sent again.
    LosesAnUpload,
    /// One line of the results of its first batch is cut.
    CutsALine,
    /// The first time that results are asked for they are a page.
    AnswersAPageForResults,
    /// It has forgotten its first batch once it is asked about it.
    Forgets,
    /// No batch ends, and the ids hold a text.
    NeverEnds(&'static str),
}

/// After this time a batch is listed that is listed late.
const LATE: Duration = Duration::from_secs(8);

#[derive(Default)]
struct State {
    /// When the first batch began.
    first_begun: Option<Instant>,
    files: Vec<Vec<Value>>,
    /// Each with the number of its file.
    batches: Vec<(Value, usize)>,
    uploads: usize,
    begun: usize,
    results: usize,
    /// How often each request was answered.
    bought: BTreeMap<String, usize>,
}

/// The provider.
pub(crate) struct BatchService {
    pub(crate) server: Server,
    state: Arc<Mutex<State>>,
}

impl BatchService {
    pub(crate) fn start(fault: Fault) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = Server::start(move |_, request| shared.lock().unwrap().say(fault, request));
        Self { server, state }
    }

    /// How many requests were bought more than once.
    pub(crate) fn bought_twice(&self) -> usize {
        self.state().bought.values().filter(|count| **count > 1).count()
    }

    /// How many batches it has, and how often it was asked to begin one.
    pub(crate) fn batches(&self) -> (usize, usize) {
        let state = self.state();
        (state.batches.len(), state.begun)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn page() -> Reply {
    (200, "", "<html><body>One moment, please.</body></html>".to_owned())
}

fn error(status: u16) -> Reply {
    (status, "retry-after: 1\r\n", json!({"error": {"message": "not now"}}).to_string())
}

impl State {
    fn say(&mut self, fault: Fault, request: &Request) -> Reply {
        let path = request.target.trim_start_matches("/v1");
        let parts: Vec<&str> = path.split(['/', '?']).filter(|part| !part.is_empty()).collect();
        match *parts.as_slice() {
            ["files"] => self.upload(fault, request),
            ["batches"] => self.begin(fault, &request.body),
            ["batches", query] if query.starts_with("limit=") => {
                let is_hidden = match fault {
                    Fault::HidesAndTakes => true,
                    Fault::Says500AndListsLate
                    | Fault::Says500AndListsLateThen400
                    | Fault::Says500AndListsLateThenFails => {
                        self.first_begun.is_some_and(|begun| begun.elapsed() < LATE)
                    }
                    Fault::Says500AndListsBoth | Fault::Says429AndListsBoth => self.begun < 2,
                    _ => false,
                };
                let hidden = usize::from(is_hidden).min(self.batches.len());
                let all = (hidden..self.batches.len()).rev();
                let data: Vec<Value> = all.map(|number| self.shown(fault, number)).collect();
                (200, "", json!({"data": data, "has_more": false}).to_string())
            }
            ["batches", id] | ["batches", id, "cancel"] => {
                let number = id.rsplit('-').next().unwrap().parse().unwrap();
                match fault {
                    Fault::Forgets if number == 0 => error(404),
                    _ => (200, "", self.shown(fault, number).to_string()),
                }
            }
            ["files", id, "content"] => self.content(fault, id.parse().unwrap()),
            _ => {
                self.buy(&request.body);
                answer(request)
            }
        }
    }

    fn buy(&mut self, body: &Value) {
        *self.bought.entry(body["messages"].to_string()).or_default() += 1;
    }

    fn upload(&mut self, fault: Fault, request: &Request) -> Reply {
        self.uploads += 1;
        if fault == Fault::LosesAnUpload && self.uploads == 1 {
            return error(500);
        }
        let form = request.body.as_str().unwrap();
        let lines = form.lines().filter(|line| line.starts_with('{'));
        self.files.push(lines.map(|line| serde_json::from_str(line).unwrap()).collect());
        (200, "", json!({"id": (self.files.len() - 1).to_string()}).to_string())
    }

    fn begin(&mut self, fault: Fault, body: &Value) -> Reply {
        self.begun += 1;
        let is_first = self.begun == 1;
        self.first_begun.get_or_insert_with(Instant::now);
        if fault == Fault::Says500 {
            return error(500);
        }
        if fault == Fault::Says429Always || fault == Fault::Says429 && is_first {
            return error(429);
        }
        if fault == Fault::Says500AndListsLateThen400 && self.begun == 2 {
            return error(400);
        }
        let file: usize = body["input_file_id"].as_str().unwrap().parse().unwrap();
        self.batches.push((body["metadata"].clone(), file));
        let fails = fault == Fault::Says500AndListsLateThenFails && self.begun == 2;
        for line in self.files[file].clone().iter().filter(|_| !fails) {
            self.buy(&line["body"]);
        }
        match fault {
            Fault::Says503AndTakes if is_first => error(503),
            Fault::Says500AndListsLate
            | Fault::Says500AndListsLateThen400
            | Fault::Says500AndListsLateThenFails
            | Fault::Says500AndListsBoth
                if is_first =>
            {
                error(500)
            }
            Fault::Says429AndListsBoth if is_first => error(429),
            Fault::AnswersAPageAndTakes | Fault::HidesAndTakes if is_first => page(),
            _ => (200, "", self.shown(fault, self.batches.len() - 1).to_string()),
        }
    }

    fn shown(&self, fault: Fault, number: usize) -> Value {
        let (metadata, file) = &self.batches[number];
        let (status, id) = match fault {
            Fault::Says500AndListsLateThenFails if number == 1 => {
                ("failed", format!("batch-{number}"))
            }
            Fault::NeverEnds(text) => ("in_progress", format!("batch-{text}-{number}")),
            _ => ("completed", format!("batch-{number}")),
        };
        let rows = self.files[*file].len();
        json!({
            "id": id, "status": status, "metadata": metadata, "output_file_id": number.to_string(),
            "request_counts": {"total": rows, "completed": rows, "failed": 0},
        })
    }

    fn content(&mut self, fault: Fault, number: usize) -> Reply {
        self.results += 1;
        if fault == Fault::AnswersAPageForResults && self.results == 1 {
            return page();
        }
        let file = self.batches[number].1;
        let mut text = String::new();
        for (place, line) in self.files[file].iter().enumerate() {
            let asked = Request {
                target: String::new(),
                headers: BTreeMap::new(),
                body: line["body"].clone(),
            };
            let body: Value = serde_json::from_str(&answer(&asked).2).unwrap();
            let response = json!({"status_code": 200, "body": body});
            let mut line =
                json!({"custom_id": line["custom_id"], "response": response}).to_string();
            if fault == Fault::CutsALine && number == 0 && place == 1 {
                line.truncate(line.len() / 2);
            }
            text += &(line + "\n");
        }
        (200, "", text)
    }
}
