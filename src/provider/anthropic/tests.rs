use super::*;
use crate::provider::Failure;
use crate::provider::protocol::tests::{request, written};
use crate::task::model::{Cache, FormTable, ProviderKind, RequestForm};
use std::sync::Arc;

fn read(body: &str) -> Result<Reply, Refusal> {
    Anthropic.reply(body.as_bytes())
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn kept(text: &str) -> Value {
    json!({"type": "text", "text": text, "cache_control": {"type": "ephemeral"}})
}

#[test]
fn a_request_is_written_as_the_protocol_says() {
    let schema = json!({"type": "object"});
    let host = "api.anthropic.com";
    let model = request(ProviderKind::Anthropic, host, "claude-haiku-4-5", Some(schema.clone()));
    let expected = json!({"model": "claude-haiku-4-5", "system": [text("Route it.")],
        "messages": [{"role": "user", "content": [text("Hi")]}],
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
        "temperature": 0.5, "max_tokens": 9});
    assert_eq!(written(&Anthropic, &model), expected, "there is no seed");
    let newer = request(ProviderKind::Anthropic, host, "claude-opus-5-5", None);
    assert_eq!(written(&Anthropic, &newer).get("temperature"), None);
}

#[test]
fn an_effort_and_a_schema_share_their_object() {
    let table = FormTable { reasoning_effort: Some("low".to_owned()), ..FormTable::default() };
    let form = RequestForm::of(ProviderKind::Anthropic, "", "m", &[&table]).unwrap();
    let form = Arc::new(form.with_schema(Some(json!({}))));
    let request = Request { form, ..request(ProviderKind::Anthropic, "", "m", None) };
    let format = json!({"type": "json_schema", "schema": {}});
    assert_eq!(
        written(&Anthropic, &request)["output_config"],
        json!({"format": format, "effort": "low"})
    );
}

#[test]
fn the_text_that_all_rows_share_ends_with_a_breakpoint() {
    // Its minimum is 1024 tokens, which is about 4096 bytes.
    let long = "x".repeat(4_096);
    let asked = |system: &str, user: &str, stable: usize, table: &FormTable| {
        let (kind, host, model) =
            (ProviderKind::Anthropic, "api.anthropic.com", "claude-sonnet-4-5");
        let mut request = request(kind, host, model, None);
        request.messages[0].content = system.to_owned();
        request.messages[1].content = user.to_owned();
        request.stable_bytes = stable;
        request.form = Arc::new(RequestForm::of(kind, host, model, &[table]).unwrap());
        let body = written(&Anthropic, &request);
        (body["system"].clone(), body["messages"][0]["content"].clone())
    };
    let usual = FormTable::default();
    assert_eq!(asked(&long, "Hi", 4_096, &usual), (json!([kept(&long)]), json!([text("Hi")])));
    // The user's message begins with a text that all rows share.
    let (system, user) = asked(&long, "Ticket: Hi", 4_096 + 8, &usual);
    assert_eq!(system, json!([text(&long)]));
    assert_eq!(user, json!([kept("Ticket: "), text("Hi")]));
    // Too short to be kept, and not wanted.
    assert_eq!(asked("Route.", "Hi", 6, &usual).0, json!([text("Route.")]));
    let none = FormTable { cache: Some(Cache::None), ..FormTable::default() };
    assert_eq!(asked(&long, "Hi", 4_096, &none).0, json!([text(&long)]));
    let short = FormTable { cache: Some(Cache::From(1)), ..FormTable::default() };
    assert_eq!(asked("Route.", "Hi", 6, &short).0, json!([kept("Route.")]));
    let elsewhere = RequestForm::of(ProviderKind::Openai, "", "m", &[&short]).unwrap_err();
    assert!(elsewhere.contains("no breakpoints"), "{elsewhere}");
    // A block without words is refused, and half a character is none.
    assert_eq!(asked(&long, "Ticket: ", 4_096 + 7, &usual).1, json!([text("Ticket: ")]));
    assert_eq!(asked(&long, "é", 4_096 + 1, &usual).1, json!([text("é")]));
}

#[test]
fn an_answer_is_read_from_all_its_blocks() {
    let recorded = r#"{"id":"msg_013Zva2CMHLNnXjNJJKqJ2EF","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{"type":"thinking","thinking":"A charge.","signature":"EqQB"},{"type":"redacted_thinking","data":"Em"},{"type":"text","text":"bil"},{"type":"text","text":"ling"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":50,"cache_creation_input_tokens":248,"cache_read_input_tokens":1800,"cache_creation":{"ephemeral_5m_input_tokens":248,"ephemeral_1h_input_tokens":0},"output_tokens":503,"service_tier":"standard"}}"#;
    let reply = read(recorded).unwrap();
    assert_eq!((reply.text.as_str(), reply.finish), ("billing", Finish::Stop));
    assert_eq!(reply.usage, Some(Usage::of_totals(2_098, 1_800, 248, 503, 0)));

    let called = r#"{"content":[{"type":"text","text":"I will look."},{"type":"tool_use","id":"t","name":"lookup","input":{}}],"stop_reason":"tool_use","usage":{"input_tokens":9,"output_tokens":5}}"#;
    let reply = read(called).unwrap();
    assert_eq!((reply.finish, reply.text.as_str()), (Finish::ToolCall, "I will look."));
    assert!(reply.why.contains("lookup"), "{}", reply.why);

    for (reason, finish) in [
        ("max_tokens", Finish::Length),
        ("model_context_window_exceeded", Finish::Length),
        ("stop_sequence", Finish::Stop),
        ("refusal", Finish::Filter),
        ("pause_turn", Finish::Other),
    ] {
        let body = json!({"content": [text("half")], "stop_reason": reason});
        assert_eq!(read(&body.to_string()).unwrap().finish, finish, "{reason}");
    }
}

#[test]
fn what_is_no_answer_is_named() {
    let refused = r#"{"content":[],"stop_reason":"refusal","stop_details":{"type":"refusal","explanation":"It asks for malware."},"usage":{"input_tokens":12,"output_tokens":1}}"#;
    let reply = read(refused).unwrap();
    assert_eq!((reply.text.as_str(), reply.finish), ("", Finish::Filter));
    assert!(reply.why.contains("It asks for malware."), "{}", reply.why);
    assert_eq!(reply.usage, Some(Usage::plain(12, 1)));

    for (body, failure) in [
        (
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            Failure::Transient,
        ),
        (
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}"#,
            Failure::Throttled,
        ),
        (
            r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
            Failure::Auth,
        ),
        (r#"{"content":[],"stop_reason":"end_turn"}"#, Failure::Empty),
        (
            r#"{"content":[{"type":"thinking","thinking":"Hm."}],"stop_reason":"end_turn"}"#,
            Failure::Reasoning,
        ),
        (r#"{"choices":[{"message":{"content":"another protocol"}}]}"#, Failure::Unreadable),
        ("<html></html>", Failure::Unreadable),
    ] {
        assert_eq!(read(body).unwrap_err().failure, failure, "{body}");
    }
}
