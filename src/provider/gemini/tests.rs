use super::*;
use crate::provider::Failure;
use crate::provider::protocol::tests::{request, written};
use crate::task::model::ProviderKind;

const HOST: &str = "generativelanguage.googleapis.com";

fn read(body: &str) -> Result<Reply, Refusal> {
    Gemini.reply(body.as_bytes())
}

#[test]
fn a_request_is_written_as_the_protocol_says() {
    let schema = json!({"type": "object"});
    let model = request(ProviderKind::Gemini, HOST, "gemini-2.5-flash", Some(schema.clone()));
    let expected = json!({"systemInstruction": {"parts": [{"text": "Route it."}]},
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": schema,
            "temperature": 0.5, "maxOutputTokens": 9, "seed": 3}});
    assert_eq!(written(&Gemini, &model), expected);
}

#[test]
fn a_model_without_a_system_message_is_told_in_the_users() {
    let model = request(ProviderKind::Gemini, HOST, "gemma-3-27b-it", None);
    let body = written(&Gemini, &model);
    assert_eq!(body.get("systemInstruction"), None);
    let turns = json!([{"role": "user", "parts": [{"text": "Route it.\n\nHi"}]}]);
    assert_eq!(body["contents"], turns);
}

#[test]
fn an_answer_is_read_from_all_its_parts() {
    let recorded = r#"{"candidates":[{"content":{"parts":[{"text":"A charge.","thought":true},{"text":"bil"},{"text":"ling","thoughtSignature":"Cs"},{"thoughtSignature":"Dt"}],"role":"model"},"finishReason":"STOP","index":0,"safetyRatings":[]}],"usageMetadata":{"promptTokenCount":25,"candidatesTokenCount":2,"totalTokenCount":67,"thoughtsTokenCount":40,"cachedContentTokenCount":20,"promptTokensDetails":[{"modality":"TEXT","tokenCount":25}]},"modelVersion":"gemini-2.5-flash","responseId":"x"}"#;
    let reply = read(recorded).unwrap();
    assert_eq!((reply.text.as_str(), reply.finish), ("billing", Finish::Stop));
    assert_eq!(reply.usage, Some(Usage::of_totals(25, 20, 0, 42, 40)));

    let called = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"lookup","args":{}}}]},"finishReason":"STOP"}]}"#;
    let reply = read(called).unwrap();
    assert_eq!(reply.finish, Finish::ToolCall);
    assert!(reply.why.contains("lookup"), "{}", reply.why);
    let broken = r#"{"candidates":[{"content":{},"finishReason":"MALFORMED_FUNCTION_CALL","finishMessage":"print(x"}]}"#;
    assert_eq!(read(broken).unwrap().finish, Finish::ToolCall);

    for (reason, finish) in [
        ("MAX_TOKENS", Finish::Length),
        ("SAFETY", Finish::Filter),
        ("RECITATION", Finish::Filter),
        ("PROHIBITED_CONTENT", Finish::Filter),
        ("OTHER", Finish::Other),
    ] {
        let candidate = json!({"content": {"parts": [{"text": "half"}]}, "finishReason": reason});
        let body = json!({ "candidates": [candidate] });
        assert_eq!(read(&body.to_string()).unwrap().finish, finish, "{reason}");
    }
}

#[test]
fn what_is_no_answer_is_named() {
    let blocked = r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT","blockReasonMessage":"The prompt was blocked."},"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9}}"#;
    let reply = read(blocked).unwrap();
    assert_eq!((reply.text.as_str(), reply.finish), ("", Finish::Filter));
    assert!(reply.why.contains("PROHIBITED_CONTENT: The prompt was blocked."), "{}", reply.why);
    assert_eq!(reply.usage, Some(Usage::plain(9, 0)), "the prompt is billed");

    let filtered = r#"{"candidates":[{"finishReason":"SAFETY","index":0}],"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9}}"#;
    let reply = read(filtered).unwrap();
    assert_eq!((reply.finish, reply.why.contains("SAFETY")), (Finish::Filter, true));

    for (body, failure) in [
        (
            r#"{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}"#,
            Failure::Throttled,
        ),
        (r#"{"candidates":[{"content":{"parts":[]},"finishReason":"STOP"}]}"#, Failure::Empty),
        (
            r#"{"candidates":[{"content":{"parts":[{"text":"Hm.","thought":true}]},"finishReason":"STOP"}]}"#,
            Failure::Reasoning,
        ),
        (r#"{"candidates":[]}"#, Failure::Unreadable),
        (r#"{"content":[{"type":"text","text":"another protocol"}]}"#, Failure::Unreadable),
        ("{", Failure::Unreadable),
    ] {
        assert_eq!(read(body).unwrap_err().failure, failure, "{body}");
    }
}
