//! Region, endpoint, profile and retries from the configuration of AWS. Each test runs in its own process, so that no test
//! changes the environment of another.

use crate::support::amazon::{Amazon, Request};
use crate::support::file;
use crate::support::processes::with_aws;
use postbox::{Builder, ErrorCode, Postbox};

/// The profile `mine` and the default profile, with a key each.
const TWO_PROFILES: &str = "[default]\nregion = us-west-1\naws_access_key_id = DEFAULTKEY\naws_secret_access_key = secret\n\
    [profile mine]\nregion = ap-south-1\naws_access_key_id = MYKEY\naws_secret_access_key = secret\n";

#[test]
fn open_reports_a_missing_region() {
    with_aws(&[], || {
        let error = Postbox::builder().access_key_id("key").secret_access_key("secret").open().unwrap_err();
        assert_eq!(error.code(), ErrorCode::NoAwsConfig);
        assert!(error.message().contains("AWS_REGION"), "{error}");
    });
}

#[test]
fn region_and_credentials_are_read_from_the_environment() {
    let variables = [("AWS_REGION", "eu-west-3"), ("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    with_aws(&variables, || {
        let Request { address, signature, .. } = Amazon::asked_by(Postbox::builder());
        assert!(address.starts_with("https://dynamodb.eu-west-3.amazonaws.com"), "{address}");
        assert!(signature.contains("ENVKEY/") && signature.contains("/eu-west-3/dynamodb/"), "{signature}");
    });
}

#[test]
fn settings_take_precedence_over_the_environment() {
    let variables = [("AWS_REGION", "eu-west-3"), ("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    with_aws(&variables, || {
        let Request { address, signature, .. } = Amazon::asked_by(
            Postbox::builder()
                .region("sa-east-1")
                .endpoint_url("http://elsewhere.example:8000")
                .access_key_id("SETKEY")
                .secret_access_key("secret"),
        );
        assert!(address.starts_with("http://elsewhere.example:8000"), "{address}");
        assert!(signature.contains("SETKEY/") && signature.contains("/sa-east-1/dynamodb/"), "{signature}");
    });
}

#[test]
fn region_and_credentials_are_read_from_a_profile() {
    let path = file("aws-config", TWO_PROFILES);
    let variables = [("AWS_CONFIG_FILE", path.as_str()), ("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")];
    with_aws(&variables, || {
        let Request { address, signature, .. } = Amazon::asked_by(Postbox::builder().profile("mine"));
        assert!(address.starts_with("https://dynamodb.ap-south-1.amazonaws.com"), "{address}");
        assert!(signature.contains("MYKEY/"), "{signature}");
        let Request { address, signature, .. } = Amazon::asked_by(Postbox::builder());
        assert!(address.starts_with("https://dynamodb.us-west-1.amazonaws.com"), "{address}");
        assert!(signature.contains("DEFAULTKEY/"), "{signature}");
    });
}

#[test]
fn a_profile_of_the_settings_takes_precedence_over_keys_in_the_environment() {
    let path = file("aws-two-profiles", TWO_PROFILES);
    let keys = [("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_PROFILE", "mine")];
    let variables = [&keys[..], &[("AWS_CONFIG_FILE", path.as_str())]].concat();
    with_aws(&variables, || {
        let Request { address, signature, .. } = Amazon::asked_by(Postbox::builder().profile("mine"));
        assert!(address.starts_with("https://dynamodb.ap-south-1."), "{address}");
        assert!(signature.contains("MYKEY/"), "{signature}");
        // As in the AWS CLI, AWS_PROFILE does not have this effect.
        let Request { address, signature, .. } = Amazon::asked_by(Postbox::builder());
        assert!(address.starts_with("https://dynamodb.ap-south-1."), "{address}");
        assert!(signature.contains("ENVKEY/"), "{signature}");
    });
}

#[test]
fn a_profile_that_does_not_exist_is_an_error() {
    let path = file("aws-no-such-profile", TWO_PROFILES);
    let variables = [("AWS_CONFIG_FILE", path.as_str()), ("AWS_PROFILE", "mein"), ("AWS_ACCESS_KEY_ID", "ENVKEY")];
    with_aws(&variables, || {
        for (builder, origin) in [
            (Postbox::builder().region("eu-west-1"), "AWS_PROFILE"),
            (Postbox::builder().region("eu-west-1").profile("mein"), "the setting profile"),
        ] {
            let error = builder.open().unwrap_err();
            assert_eq!(error.code(), ErrorCode::NoAwsConfig, "{error}");
            assert!(error.message().contains("\"mein\"") && error.message().contains(origin), "{error}");
        }
    });
}

#[test]
fn the_number_of_attempts_is_read_from_the_setting_the_environment_and_the_profile_in_this_order() {
    let path = file("aws-attempts", &TWO_PROFILES.replace("[default]\n", "[default]\nmax_attempts = 3\n"));
    let attempts = |builder: Builder| {
        let amazon = Amazon::new();
        amazon.behaviour().response = Some((500, r#"{"__type":"InternalServerError"}"#));
        let postbox = builder.http_client(amazon.clone()).open().unwrap();
        assert_eq!(postbox.get_message("id").unwrap_err().code(), ErrorCode::Unreachable);
        amazon.take().len()
    };
    let files = ("AWS_CONFIG_FILE", path.as_str());
    with_aws(&[files, ("AWS_MAX_ATTEMPTS", "2")], || {
        assert_eq!(attempts(Postbox::builder()), 2);
        assert_eq!(attempts(Postbox::builder().max_request_attempts(4)), 4);
    });
}

#[test]
fn the_number_of_attempts_is_read_from_the_profile() {
    let path = file("aws-attempts-2", &TWO_PROFILES.replace("[default]\n", "[default]\nmax_attempts = 3\n"));
    with_aws(&[("AWS_CONFIG_FILE", path.as_str())], || {
        for (builder, expected) in [(Postbox::builder(), 3), (Postbox::builder().profile("mine"), 5)] {
            let amazon = Amazon::new();
            amazon.behaviour().response = Some((500, r#"{"__type":"InternalServerError"}"#));
            let postbox = builder.http_client(amazon.clone()).open().unwrap();
            postbox.get_message("id").unwrap_err();
            assert_eq!(amazon.take().len(), expected);
        }
    });
}

#[test]
fn invalid_values_of_the_environment_are_rejected_by_name() {
    for (name, value, others) in [
        ("AWS_MAX_ATTEMPTS", "many", "1 or more"),
        ("AWS_RETRY_MODE", "fast", "adaptive"),
        ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "off", "disabled"),
        ("AWS_REGION", "eu west 1", "eu-central-1"),
    ] {
        with_aws(&[("NAME", name), ("OTHERS", others), (name, value)], || {
            let error = Postbox::builder().open().unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidSetting, "{error}");
            for expected in ["NAME", "OTHERS"].map(|name| std::env::var(name).unwrap()) {
                assert!(error.message().contains(&expected), "{error}");
            }
        });
    }
}

#[test]
fn variables_of_the_sdk_determine_the_endpoint() {
    let keys = [("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "us-east-1")];
    let account = [("AWS_ACCOUNT_ID", "123456789012")];
    for (more, host) in [
        (&[("AWS_USE_FIPS_ENDPOINT", "true")][..], "dynamodb-fips.us-east-1.amazonaws.com"),
        (&[("AWS_USE_DUALSTACK_ENDPOINT", "true")], "dynamodb.us-east-1.api.aws"),
        (&account, "123456789012.ddb.us-east-1.amazonaws.com"),
        (&[account[0], ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")], "dynamodb.us-east-1.amazonaws.com"),
        (&[("AWS_ENDPOINT_URL", "http://any.example")], "any.example"),
        (&[("AWS_ENDPOINT_URL", "")], "dynamodb.us-east-1.amazonaws.com"),
        (&[("AWS_ENDPOINT_URL_DYNAMODB", ""), ("AWS_ENDPOINT_URL", "http://any.example")], "any.example"),
        (
            &[("AWS_ENDPOINT_URL", "http://any.example"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")],
            "dynamodb.us-east-1.amazonaws.com",
        ),
    ] {
        with_aws(&[&keys[..], more, &[("EXPECTED", host)]].concat(), || {
            let Request { address, .. } = Amazon::asked_by(Postbox::builder());
            let host = std::env::var("EXPECTED").unwrap();
            assert_eq!(address.split('/').nth(2).unwrap(), host);
        });
    }
}

#[test]
fn an_endpoint_of_one_service_in_the_environment_needs_no_region() {
    let keys = [("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    let variables = [&keys[..], &[("AWS_ENDPOINT_URL_DYNAMODB", "http://dynamodb.example:8000")]].concat();
    with_aws(&variables, || {
        let Request { address, .. } = Amazon::asked_by(Postbox::builder());
        assert!(address.starts_with("http://dynamodb.example:8000"), "{address}");
    });
}

#[test]
fn the_services_of_a_profile_determine_the_endpoint() {
    let services = "[services local]\ndynamodb =\n  endpoint_url = http://dynamodb.example:8000\n";
    let profiles = TWO_PROFILES.replace("[default]\n", "[default]\nservices = local\n");
    let path = file("aws-services", &format!("{profiles}{services}"));
    let ignore = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    for (more, host) in [(&[][..], "dynamodb.example:8000"), (&[ignore], "dynamodb.us-west-1.amazonaws.com")] {
        with_aws(&[&[("AWS_CONFIG_FILE", path.as_str()), ("EXPECTED", host)], more].concat(), || {
            let Request { address, .. } = Amazon::asked_by(Postbox::builder());
            assert_eq!(address.split('/').nth(2).unwrap(), std::env::var("EXPECTED").unwrap());
        });
    }
}

#[test]
fn the_name_of_the_application_is_in_the_user_agent() {
    let keys = [("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "eu-west-1")];
    with_aws(&[&keys[..], &[("AWS_SDK_UA_APP_ID", "orders-sweeper")]].concat(), || {
        let Request { agent, .. } = Amazon::asked_by(Postbox::builder());
        assert!(agent.contains(" app/orders-sweeper"), "{agent}");
    });
}

#[test]
fn the_location_has_the_account_and_the_region_or_the_endpoint() {
    let keys = [("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "eu-west-1")];
    with_aws(&keys, || {
        let open = |builder: Builder| builder.http_client(Amazon::new()).open().unwrap();
        let postbox = open(Postbox::builder());
        let unknown = "table brighter_outbox of an unknown account, region eu-west-1";
        assert_eq!(postbox.location().unwrap(), unknown, "the table does not exist");
        postbox.create_table().unwrap();
        assert_eq!(postbox.location().unwrap(), "table brighter_outbox of account 000000000000, region eu-west-1");
        let elsewhere = open(Postbox::builder().endpoint_url("http://dynamodb.example:8000").table_name("orders"));
        let expected = "table orders at http://dynamodb.example:8000, region eu-west-1";
        assert_eq!(elsewhere.location().unwrap(), expected);
        let embedded = Postbox::builder().embedded_path(":memory:").open().unwrap();
        assert_eq!(embedded.location().unwrap(), "table brighter_outbox in :memory:");
    });
}

#[cfg(all(feature = "sns", feature = "sqs"))]
#[test]
fn the_endpoint_of_each_transport_comes_from_its_setting_or_the_environment() {
    let keys = [("AWS_ACCESS_KEY_ID", "ENVKEY"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "eu-west-1")];
    let variables = [&keys[..], &[("AWS_ENDPOINT_URL_SQS", "http://sqs-variable.example")]].concat();
    with_aws(&variables, || {
        let sns = "sns:arn:aws:sns:eu-west-1:123456789012:t";
        let sqs = "sqs:arn:aws:sqs:eu-west-1:123456789012:q";
        let both = |builder: Builder| builder.transport_endpoint_url("http://both.example");
        let own = |builder: Builder| both(builder).sns_endpoint_url("http://sns.example");
        for (target, builder, host) in [
            (sns, Postbox::builder(), "https://sns.eu-west-1.amazonaws.com"),
            (sqs, Postbox::builder(), "http://sqs-variable.example"),
            (sns, both(Postbox::builder()), "http://both.example"),
            (sqs, both(Postbox::builder()), "http://both.example"),
            (sns, own(Postbox::builder()), "http://sns.example"),
            (sqs, own(Postbox::builder()), "http://both.example"),
            (sqs, own(Postbox::builder()).sqs_endpoint_url("http://sqs.example"), "http://sqs.example"),
        ] {
            let amazon = Amazon::new();
            amazon.behaviour().response = Some((400, r#"{"__type":"AccessDenied","message":"no"}"#));
            let builder = builder.embedded_path(":memory:").route("*", target).transport_http_client(amazon.clone());
            let postbox = builder.open().unwrap();
            let _ = postbox.post(postbox::Message::new("t", "x")).unwrap();
            let requests = amazon.take();
            assert!(requests[0].address.starts_with(host), "{target}: {requests:?} instead of {host}");
        }
    });
}
