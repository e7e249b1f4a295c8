//! `POST /embeddings`, alike in all protocols that have it: texts in, one vector for each.
//!
//! What a server gives is not trusted: a vector that is no direction, or one too few, makes the whole body
//! unreadable.

use super::answer::{count, unreadable, value};
use super::refusal::Refusal;
use super::{Failure, Finish, Reply, Request};
use crate::task::model::Usage;
use crate::vector::{self, Embedding};
use bytes::Bytes;
use serde_json::{Map, Value};

/// What is added to a provider's `base_url`.
pub(super) const PATH: &str = "/embeddings";

/// The body of a request.
pub(super) fn body(request: &Request) -> Bytes {
    let Request { temperature, max_output_tokens, draw, .. } = *request;
    let texts: Vec<&str> = request.messages.iter().map(|it| it.content.as_str()).collect();
    let mut body = request.form.written(Map::new(), temperature, max_output_tokens, draw);
    // Last, so that no field of a provider's own `body` takes their place.
    body.insert("model".to_owned(), request.model.model().into());
    body.insert("input".to_owned(), texts.into());
    // Strings can always be written; an empty body would be refused at no cost.
    Bytes::from(serde_json::to_vec(&body).unwrap_or_default())
}

/// The vectors in a body that came with a 2xx status, as the text of a reply.
pub(super) fn read(bytes: &[u8], request: &Request) -> Result<Reply, Refusal> {
    let texts = request.messages.len();
    let value = value(bytes)?;
    let refused = |words: String| Refusal::billed(Failure::Unreadable, words);
    let Some(items) = value["data"].as_array() else {
        return Err(unreadable(bytes, "a body without `data`"));
    };
    if items.len() != texts {
        return Err(refused(format!("sent {} vectors for {texts} texts", items.len())));
    }
    let mut vectors: Vec<Option<Embedding>> = vec![None; texts];
    for (order, item) in items.iter().enumerate() {
        let index = match &item["index"] {
            Value::Null => order,
            given => count(given).and_then(|it| usize::try_from(it).ok()).unwrap_or(usize::MAX),
        };
        let vector = vector_of(&item["embedding"]).map_err(refused)?;
        match vectors.get_mut(index) {
            Some(place @ None) => *place = Some(vector),
            _ => return Err(refused("sent vectors whose `index` fits no text".to_owned())),
        }
    }
    // Each place was filled once, and there are as many items as places.
    let vectors: Vec<Embedding> = vectors.into_iter().flatten().collect();
    check_dimensions(&vectors, request.form.dimensions()).map_err(refused)?;
    let (text, why, envelope) = (vector::to_text(&vectors), String::new(), Box::default());
    let usage = usage(&value);
    Ok(Reply { text, usage, finish: Finish::Stop, why, envelope })
}

/// Refuses vectors of different spaces, and those of another one than was asked for.
fn check_dimensions(vectors: &[Embedding], asked: Option<u64>) -> Result<(), String> {
    let mut all = vectors.iter().map(|vector| u64::from(vector.dimensions()));
    let expected = asked.or_else(|| all.clone().next());
    match (all.find(|it| Some(*it) != expected), expected, asked) {
        (Some(other), Some(asked), Some(_)) => Err(format!(
            "sent a vector of {other} dimensions, but `dimensions` in `body` is {asked}"
        )),
        (Some(other), Some(first), None) => {
            Err(format!("sent vectors of different dimensions in one answer: {first} and {other}"))
        }
        _ => Ok(()),
    }
}

/// A list of numbers, or base64 of them where a task asks for that.
fn vector_of(value: &Value) -> Result<Embedding, String> {
    let numbers: Option<Vec<f64>> = match value {
        Value::Array(numbers) => numbers.iter().map(Value::as_f64).collect(),
        Value::String(base64) => {
            vector::numbers_of(base64).map(|all| all.into_iter().map(f64::from).collect())
        }
        _ => None,
    };
    let numbers = numbers.ok_or("sent a vector that is no list of numbers")?;
    Embedding::of(&numbers).map_err(|error| format!("sent {error}"))
}

/// The tokens that a whole body counts, be it an answer or an error: a vector has none.
pub(super) fn usage(body: &Value) -> Option<Usage> {
    let usage = &body["usage"];
    let counted = count(&usage["prompt_tokens"]).or_else(|| count(&usage["total_tokens"]))?;
    // No text is empty: a zero means that the server did not count.
    (counted > 0).then(|| Usage::plain(counted, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::protocol::tests::request;
    use crate::task::model::{FormTable, ProviderKind, RequestForm};
    use serde_json::json;
    use std::sync::Arc;

    /// A request for the vectors of this many texts.
    fn asking(texts: usize, body: Value) -> Request {
        let table = FormTable { body: body.as_object().unwrap().clone(), ..FormTable::default() };
        let mut request = request(ProviderKind::Openai, "api.openai.com", "m", None);
        let form = RequestForm::of(ProviderKind::Openai, "api.openai.com", "m", &[&table]).unwrap();
        request.form = Arc::new(form.for_vectors());
        let message = request.messages[0].clone();
        request.messages = vec![message; texts];
        request
    }

    fn read_value(value: &Value, texts: usize) -> Result<Reply, Refusal> {
        read(value.to_string().as_bytes(), &asking(texts, json!({})))
    }

    #[test]
    fn vectors_of_another_space_than_the_others_or_than_was_asked_for_are_refused() {
        let body = |all: &[&[f64]]| {
            let data: Vec<_> = all.iter().map(|it| json!({"embedding": it})).collect();
            json!({ "data": data, "usage": {"prompt_tokens": 7} }).to_string()
        };
        let read =
            |all: &[&[f64]], asked: Value| read(body(all).as_bytes(), &asking(all.len(), asked));
        let (two, three): (&[f64], &[f64]) = (&[1.0, 0.0], &[1.0, 0.0, 0.5]);
        let asked = json!({"dimensions": 3});
        read(&[three, three], asked.clone()).unwrap();
        read(&[two, two], json!({})).unwrap();
        let refused = read(&[two], asked).unwrap_err();
        assert!(
            refused.words.contains("2 dimensions, but `dimensions` in `body` is 3"),
            "{}",
            refused.words
        );
        assert_eq!(refused.failure, Failure::Unreadable);
        let refused = read(&[two, three], json!({})).unwrap_err();
        assert!(refused.words.contains("2 and 3"), "{}", refused.words);
    }

    #[test]
    fn texts_are_sent_as_they_are_and_nothing_that_an_answer_has() {
        let mut request = request(ProviderKind::Openai, "api.openai.com", "m", None);
        request.form = Arc::new((*request.form).clone().for_vectors());
        let body: Value = serde_json::from_slice(&body(&request)).unwrap();
        assert_eq!(body, json!({"model": "m", "input": ["Route it.", "Hi"]}));
    }

    #[test]
    fn vectors_are_read_in_the_order_of_their_index() {
        let usage = json!({"prompt_tokens": 7, "total_tokens": 7});
        let item = |index: Value, embedding: Value| json!({"index": index, "embedding": embedding});
        let body = json!({"data": [item(json!(1), json!([0.0, 2.0])), item(json!(0), json!([3.0, 0.0]))],
            "usage": usage});
        let reply = read_value(&body, 2).unwrap();
        let expected = [[1.0, 0.0], [0.0, 1.0]].map(|it| Embedding::of(&it).unwrap());
        assert_eq!(vector::from_text(&reply.text).unwrap(), expected);
        assert_eq!(reply.usage, Some(Usage::plain(7, 0)));
        // Without an index, in their order; and as base64 of 1.0 and 0.0.
        let base64 = json!({"data": [{"embedding": "AACAPwAAAAA="}, {"embedding": [0, 1]}]});
        let reply = read_value(&base64, 2).unwrap();
        assert_eq!(vector::from_text(&reply.text).unwrap(), expected);
        assert_eq!(reply.usage, None);
    }

    #[test]
    fn what_is_no_vector_for_each_text_is_unreadable() {
        let data = |embedding: Value| json!({"data": [{"index": 0, "embedding": embedding}]});
        let long = vec![0.5; 40_000];
        for (body, words) in [
            (json!({}), "without `data`"),
            (json!({"data": []}), "0 vectors for 1 texts"),
            (json!({"data": [{"embedding": [1]}, {"embedding": [1]}]}), "2 vectors for 1 texts"),
            (json!({"data": [{"index": 4, "embedding": [1]}]}), "`index`"),
            (json!({"data": [{"index": "x", "embedding": [1]}]}), "`index`"),
            (data(json!([])), "an empty vector"),
            (data(json!([0.0, 0.0])), "all 0"),
            (data(json!([1.0, null])), "no list of numbers"),
            (data(json!("AAAA")), "no list of numbers"),
            (data(json!("AADAfw==")), "not finite"),
            (data(json!({"x": 1})), "no list of numbers"),
            (data(json!(long)), "40000 dimensions"),
        ] {
            let refusal = read_value(&body, 1).unwrap_err();
            assert_eq!(refusal.failure, Failure::Unreadable, "{body}");
            assert!(refusal.words.contains(words), "{words}: {}", refusal.words);
        }
        for body in ["", "<html>Bad gateway</html>", "{\"data\": [{\"embedding\": [NaN, 1.0]}]}"] {
            assert_eq!(
                read(body.as_bytes(), &asking(1, json!({}))).unwrap_err().failure,
                Failure::Unreadable,
                "{body}"
            );
        }
        let error = json!({"error": {"message": "no such model", "type": "invalid_request_error"}});
        assert!(read_value(&error, 1).unwrap_err().words.contains("no such model"));
    }
}
