use super::*;
use crate::task::model::Provider;
use jiff::civil::Date;

#[test]
fn every_row_can_be_read_and_says_where_it_is_from() {
    let table = read(include_str!("../prices.toml")).unwrap();
    assert!(table.len() > 200, "{}", table.len());
    for ((service, model), (price, source)) in &table {
        assert!(Provider::built_in(service).is_some(), "{service}");
        let PriceSource::Table { source, date } = source else { panic!("{service}/{model}") };
        assert!(date.parse::<Date>().is_ok(), "{service}/{model}: {date}");
        assert!(source.starts_with("https://") || source == "litellm 1.110.2", "{source}");
        let gives_vectors = model.contains("embed");
        assert!(price.input > 0.0 && (price.output > 0.0) != gives_vectors, "{service}/{model}");
        let cached = price.cached_input.unwrap_or(price.input);
        assert!(cached < price.input || price.cached_input.is_none(), "{service}/{model}");
        if let Some(long) = price.long_context {
            assert!(long.above >= 10_000 && long.input > price.input, "{service}/{model}");
        }
    }
}

#[test]
fn a_name_has_its_own_row_or_none() {
    let input = |model| known_price("openai", model).map(|(price, _)| price.input);
    assert_eq!(input("gpt-4o"), Some(2.5));
    assert_eq!(input("gpt-4o-2024-05-13"), Some(5.0), "its own, and not its family's");
    assert_eq!(input("gpt-4o-2030-01-01"), None, "nothing says what it costs");
    assert_eq!(input("ft:gpt-4o-mini-2024-07-18:acme::x"), Some(0.3));
    assert_eq!((input("ft:gpt-4o-mini:acme"), input("ft:")), (None, None));
    assert_eq!(known_price("anthropic", "gpt-4o"), None);
    assert_eq!(input("text-embedding-3-small"), Some(0.02));
}

#[test]
fn a_row_that_is_wrong_is_told() {
    let row = |more: &str| {
        let keys = "provider = \"p\"\nmodels = [\"m\"]\nsource = \"s\"\ndate = \"d\"\n";
        format!("[[price]]\n{keys}{more}\n")
    };
    let good = row("input = 1.0\noutput = 2.0");
    assert_eq!(read(&good).unwrap().len(), 1);
    for (text, told) in [
        (row("input = 1.0\noutput = 2.0\ncached = 3.0"), "unknown field `cached`"),
        (row("input = -1.0\noutput = 2.0"), "negative"),
        (format!("{good}{good}"), "has two rows"),
    ] {
        assert!(read(&text).unwrap_err().contains(told), "{told}");
    }
}
