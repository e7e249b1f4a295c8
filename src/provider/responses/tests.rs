use super::*;
use crate::provider::Failure;
use crate::provider::protocol::tests::{request, written};
use crate::task::model::ProviderKind;

fn read(body: &str) -> Result<Reply, Refusal> {
    OpenAiResponses.reply(body.as_bytes())
}

#[test]
fn a_request_is_written_as_the_protocol_says() {
    let schema = json!({"type": "object"});
    let host = "api.openai.com";
    let model = request(ProviderKind::OpenaiResponses, host, "gpt-4.1", Some(schema.clone()));
    let input =
        json!([{"role": "system", "content": "Route it."}, {"role": "user", "content": "Hi"}]);
    let format = json!({"type": "json_schema", "name": "answer", "schema": schema, "strict": true});
    let expected = json!({"model": "gpt-4.1", "input": input, "store": false,
        "text": {"format": format}, "temperature": 0.5, "max_output_tokens": 9});
    assert_eq!(written(&OpenAiResponses, &model), expected, "there is no seed");
    let reasoning = request(ProviderKind::OpenaiResponses, host, "o3-pro", None);
    assert_eq!(written(&OpenAiResponses, &reasoning).get("temperature"), None);
}

#[test]
fn an_answer_is_read_from_all_its_items() {
    let recorded = r#"{"id":"resp_67cc","object":"response","created_at":1741476542,"status":"completed","error":null,"incomplete_details":null,"model":"gpt-5-2025-08-07","output":[{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"A charge."}]},{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"bil","annotations":[]},{"type":"output_text","text":"ling","annotations":[]}]}],"store":false,"usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":6},"output_tokens":87,"output_tokens_details":{"reasoning_tokens":64},"total_tokens":123}}"#;
    let reply = read(recorded).unwrap();
    assert_eq!((reply.text.as_str(), reply.finish), ("billing", Finish::Stop));
    assert_eq!(reply.usage, Some(Usage::of_totals(36, 6, 0, 87, 64)));

    let refused = r#"{"status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"I can't help with that."}]}]}"#;
    assert_eq!(read(refused).unwrap().text, "I can't help with that.");

    let called = r#"{"status":"completed","output":[{"type":"function_call","name":"lookup","arguments":"{}"}]}"#;
    let reply = read(called).unwrap();
    assert_eq!(reply.finish, Finish::ToolCall);
    assert!(reply.why.contains("lookup"), "{}", reply.why);
}

#[test]
fn what_is_no_answer_is_named() {
    let length = r#"{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"type":"reasoning","summary":[]}],"usage":{"input_tokens":9,"output_tokens":16,"output_tokens_details":{"reasoning_tokens":16}}}"#;
    let reply = read(length).unwrap();
    assert_eq!((reply.text.as_str(), reply.finish), ("", Finish::Length));
    assert_eq!(reply.usage.unwrap().reasoning.0, 16);

    let filtered =
        r#"{"status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[]}"#;
    assert_eq!(read(filtered).unwrap().finish, Finish::Filter);

    for (body, failure) in [
        (
            r#"{"status":"failed","error":{"code":"server_error","message":"The model failed."},"output":[]}"#,
            Failure::Transient,
        ),
        (
            r#"{"status":"failed","error":{"code":"rate_limit_exceeded","message":"slow"},"output":[]}"#,
            Failure::Throttled,
        ),
        (r#"{"status":"cancelled","error":null,"output":[]}"#, Failure::Transient),
        (r#"{"status":"completed","output":[]}"#, Failure::Empty),
        (
            r#"{"status":"completed","output":[{"type":"reasoning","summary":[{"text":"Hm."}]}]}"#,
            Failure::Reasoning,
        ),
        (r#"{"choices":[{"message":{"content":"another protocol"}}]}"#, Failure::Unreadable),
        ("", Failure::Unreadable),
        ("[]", Failure::Unreadable),
    ] {
        assert_eq!(read(body).unwrap_err().failure, failure, "{body}");
    }
}
