//! Tables of the handlers that hand events to other systems: HTTP, queues, monitoring.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Value;
use toml::de::DeValue;

use super::seconds;
use crate::scalars::Plain;
use crate::setting::tables;

tables! {
    /// Credentials for HTTP basic authentication.
    BasicAuth {
        /// User name.
        username "username": String = "";
        /// Password.
        password "password": String = "", redacted;
    }

    /// One endpoint for the post handler and the httpPost node.
    Httppost {
        /// Name by which handlers and scripts choose it.
        endpoint "endpoint": String = "example";
        /// URL; may be a template over the event.
        url "url": String = "http://example.com";
        /// Headers of each request.
        headers "headers": BTreeMap<String, String> = BTreeMap::new();
        /// Credentials of each request.
        basic_auth "basic-auth": BasicAuth = BasicAuth::default(), redacted;
        /// Template of the body for an alert event.
        alert_template "alert-template": String = "";
        /// The same, as the absolute path of a file; only one of the two may be set.
        alert_template_file "alert-template-file": String = "";
        /// Template of the body for a row of data.
        row_template "row-template": String = "";
        /// The same, as the absolute path of a file; only one of the two may be set.
        row_template_file "row-template-file": String = "";
    }

    /// One Kafka cluster.
    Kafka {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which handlers choose it.
        id "id": String = "default";
        /// Brokers as host:port.
        brokers "brokers": Vec<String> = Vec::new();
        /// How long a network operation may take; 10s when 0.
        timeout "timeout": Duration = Duration::ZERO;
        /// Messages sent together; 100 when 0.
        batch_size "batch-size": i64 = 0;
        /// How long an incomplete batch waits; 1s when 0.
        batch_timeout "batch-timeout": Duration = Duration::ZERO;
        /// Speak TLS; the ssl settings have no effect without.
        use_ssl "use-ssl": bool = false;
        /// Path of the certificate authorities, PEM.
        ssl_ca "ssl-ca": String = "";
        /// Path of the client certificate, PEM.
        ssl_cert "ssl-cert": String = "";
        /// Path of the client key, PEM.
        ssl_key "ssl-key": String = "";
        /// Do not verify the broker's certificate. Insecure.
        insecure_skip_verify "insecure-skip-verify": bool = false;
        /// User name for SASL.
        sasl_username "sasl-username": String = "", nameless;
        /// Password for SASL.
        sasl_password "sasl-password": String = "", nameless;
        /// Further values sent with SASL.
        sasl_extensions "sasl_extensions": BTreeMap<String, String> = BTreeMap::new(), nameless, alias("sasl-extensions");
        /// PLAIN (when empty), SCRAM-SHA-256, SCRAM-SHA-512, GSSAPI or OAUTHBEARER.
        sasl_mechanism "sasl-mechanism": String = "", nameless;
        /// Version of the SASL handshake; 0 for Azure EventHub.
        sasl_version "sasl-version": Option<i64> = None, nameless;
        /// GSSAPI: name of the service.
        sasl_gssapi_service_name "sasl-gssapi-service-name": String = "", nameless;
        /// GSSAPI: KRB5_USER_AUTH or KRB5_KEYTAB_AUTH.
        sasl_gssapi_auth_type "sasl-gssapi-auth-type": String = "", nameless;
        /// GSSAPI: no FAST pre-authentication.
        sasl_gssapi_disable_pafxfast "sasl-gssapi-disable-pafxfast": bool = false, nameless;
        /// GSSAPI: path of the Kerberos configuration.
        sasl_gssapi_kerberos_config_path "sasl-gssapi-kerberos-config-path": String = "", nameless;
        /// GSSAPI: path of the key table.
        sasl_gssapi_key_tab_path "sasl-gssapi-key-tab-path": String = "", nameless;
        /// GSSAPI: realm.
        sasl_gssapi_realm "sasl-gssapi-realm": String = "", nameless;
        /// OAuth: custom (when empty), auth0 or azuread.
        sasl_oauth_service "sasl-oauth-service": String = "", nameless;
        /// OAuth: id of the client.
        sasl_oauth_client_id "sasl-oauth-client-id": String = "", nameless;
        /// OAuth: secret of the client.
        sasl_oauth_client_secret "sasl-oauth-client-secret": String = "", nameless;
        /// OAuth: URL that hands out tokens.
        sasl_oauth_token_url "sasl-oauth-token-url": String = "", nameless;
        /// OAuth: scopes to ask for.
        sasl_oauth_scopes "sasl-oauth-scopes": Vec<String> = Vec::new(), nameless;
        /// OAuth: further parameters, such as audience for auth0.
        sasl_oauth_parameters "sasl-oauth-parameters": BTreeMap<String, String> = BTreeMap::new(), nameless;
        /// OAuth: how long before its end a token is renewed.
        sasl_oauth_token_expiry_margin "sasl-oauth-token-expiry-margin": Duration = seconds(10), nameless;
        /// OAuth: a fixed token instead of a service.
        sasl_access_token "sasl-access-token": String = "", nameless;
        /// OAuth: tenant for azuread.
        sasl_oauth_tenant_id "sasl-oauth-tenant-id": String = "", nameless;
    }

    /// One MQTT broker.
    Mqtt {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which handlers choose it.
        name "name": String = "default";
        /// Use it where a handler names none.
        default "default": bool = false;
        /// tcp://, ssl:// or ws:// with host and port.
        url "url": String = "";
        /// Path of the certificate authorities, PEM.
        ssl_ca "ssl-ca": String = "";
        /// Path of the client certificate, PEM.
        ssl_cert "ssl-cert": String = "";
        /// Path of the client key, PEM.
        ssl_key "ssl-key": String = "";
        /// Do not verify the broker's certificate. Insecure.
        insecure_skip_verify "insecure-skip-verify": bool = false;
        /// Id of this client; the name when empty.
        client_id "client-id": String = "";
        /// User name.
        username "username": String = "";
        /// Password.
        password "password": String = "", redacted;
    }

    /// The Sensu handler.
    Sensu {
        /// Use it.
        enabled "enabled": bool = false;
        /// Sensu client as host:port.
        addr "addr": String = "";
        /// Source of the events.
        source "source": String = "Kapacitor";
        /// Handlers in Sensu.
        handlers "handlers": Vec<String> = Vec::new();
    }

    /// The ServiceNow handler.
    Servicenow {
        /// Use it.
        enabled "enabled": bool = false;
        /// URL of the events API.
        url "url": String = "https://instance.service-now.com/api/global/em/jsonv2";
        /// Source of the events.
        source "source": String = "";
        /// User name.
        username "username": String = "";
        /// Password.
        password "password": String = "", redacted;
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
        /// With global: only when the level changes.
        state_changes_only "state-changes-only": bool = false;
    }

    /// The SNMP trap handler.
    Snmptrap {
        /// Use it.
        enabled "enabled": bool = false;
        /// Trap receiver as host:port.
        addr "addr": String = "localhost:162";
        /// Community.
        community "community": String = "kapacitor", redacted;
        /// How often a trap is sent again.
        retries "retries": i64 = 1;
    }

    /// The Zenoss handler.
    Zenoss {
        /// Use it.
        enabled "enabled": bool = false;
        /// URL of the event router.
        url "url": String = "https://tenant.zenoss.io:8080/zport/dmd/evconsole_router";
        /// User name.
        username "username": String = "";
        /// Password.
        password "password": String = "", redacted;
        /// Name of the router.
        action "action": String = "EventsRouter";
        /// Method of the router.
        method "method": String = "add_event";
        /// Type of the call.
        kind "type": String = "rpc";
        /// Transaction id.
        tid "tid": i64 = 1;
        /// Name of the collector.
        collector "collector": String = "Kapacitor";
        /// Zenoss's severity for each level.
        severity_map "severity-map": SeverityMap = SeverityMap::default();
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
        /// With global: only when the level changes.
        state_changes_only "state-changes-only": bool = false;
    }

    /// Zenoss's severity for each level.
    SeverityMap {
        /// For OK.
        ok "OK": Severity = "Clear";
        /// For INFO.
        info "Info": Severity = "Info";
        /// For WARNING.
        warning "Warning": Severity = "Warning";
        /// For CRITICAL.
        critical "Critical": Severity = "Critical";
    }
}

/// A severity: Zenoss takes a word or a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Severity {
    /// A word such as Clear.
    Word(String),
    /// A number, 0 to 5.
    Number(i64),
}

impl From<&str> for Severity {
    fn from(word: &str) -> Self {
        Severity::Word(word.to_owned())
    }
}

impl Plain for Severity {
    const WANTED: &'static str = "a text or a whole number";

    fn plain_zero() -> Self {
        Severity::Word(String::new())
    }

    fn from_toml(value: &DeValue<'_>) -> Result<Option<Self>, &'static str> {
        match value {
            DeValue::String(word) => Ok(Some(Severity::Word(word.to_string()))),
            _ => i64::from_toml(value).map(|number| number.map(Severity::Number)),
        }
    }

    fn from_text(text: &str) -> Result<Self, &'static str> {
        Ok(text.parse().map_or_else(|_| Severity::Word(text.to_owned()), Severity::Number))
    }

    fn to_value(&self) -> Value {
        match self {
            Severity::Word(word) => Value::String(word.clone()),
            Severity::Number(number) => Value::Integer(*number),
        }
    }
}
