//! Tables of the handlers for on-call and incident services.

use std::time::Duration;

use crate::setting::tables;

tables! {
    /// The Alerta handler.
    Alerta {
        /// Use it.
        enabled "enabled": bool = false;
        /// URL of the service.
        url "url": String = "";
        /// Do not verify the server's certificate. Insecure.
        insecure_skip_verify "insecure-skip-verify": bool = false;
        /// Token where a handler names none.
        token "token": String = "", redacted;
        /// Word before the token: Bearer when empty, Key for old servers.
        token_prefix "token-prefix": String = "";
        /// Environment where a handler names none.
        environment "environment": String = "";
        /// Origin where a handler names none.
        origin "origin": String = "";
        /// How long the service may wait before it counts an alert as expired.
        timeout "timeout": Duration = Duration::ZERO;
    }

    /// The BigPanda handler.
    Bigpanda {
        /// Use it.
        enabled "enabled": bool = false;
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
        /// Key of the application in BigPanda.
        app_key "app-key": String = "";
        /// Token where a handler names none.
        token "token": String = "", redacted;
        /// With global: only when the level changes.
        state_changes_only "state-changes-only": bool = false;
        /// Do not verify the server's certificate. Insecure.
        insecure_skip_verify "insecure-skip-verify": bool = false;
        /// URL of the service.
        url "url": String = "https://api.bigpanda.io/data/v2/alerts";
        /// What of the event is sent as attributes: tags, fields, or both with a comma.
        auto_attributes "auto-attributes": String = "tags,fields";
    }

    /// The OpsGenie handler, version 1 of its API.
    Opsgenie {
        /// Use it.
        enabled "enabled": bool = false;
        /// Key of the API.
        api_key "api-key": String = "", redacted;
        /// Teams where a handler names none.
        teams "teams": Vec<String> = Vec::new();
        /// Receivers where a handler names none.
        recipients "recipients": Vec<String> = Vec::new();
        /// URL of the service.
        url "url": String = "https://api.opsgenie.com/v1/json/alert";
        /// URL that a recovery is sent to.
        recovery_url "recovery_url": String = "https://api.opsgenie.com/v1/json/alert/note";
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
    }

    /// The OpsGenie handler, version 2 of its API.
    Opsgenie2 {
        /// Use it.
        enabled "enabled": bool = false;
        /// Key of the API.
        api_key "api-key": String = "", redacted;
        /// Teams where a handler names none.
        teams "teams": Vec<String> = Vec::new();
        /// Receivers where a handler names none.
        recipients "recipients": Vec<String> = Vec::new();
        /// URL of the service.
        url "url": String = "https://api.opsgenie.com/v2/alerts";
        /// What a recovery does: notes (add a note) or close.
        recovery_action "recovery_action": String = "notes";
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
        /// Use the event's details as the description.
        details "details": bool = false;
    }

    /// The PagerDuty handler, version 1 of its API.
    Pagerduty {
        /// Use it.
        enabled "enabled": bool = false;
        /// URL of the service.
        url "url": String = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";
        /// Service key where a handler names none.
        service_key "service-key": String = "", redacted;
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
    }

    /// The PagerDuty handler, version 2 of its API.
    Pagerduty2 {
        /// Use it.
        enabled "enabled": bool = false;
        /// URL of the service.
        url "url": String = "https://events.pagerduty.com/v2/enqueue";
        /// Routing key where a handler names none.
        routing_key "routing-key": String = "", redacted;
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
    }

    /// The Pushover handler.
    Pushover {
        /// Use it.
        enabled "enabled": bool = false;
        /// Token of the application.
        token "token": String = "", redacted;
        /// Key of the user or group.
        user_key "user-key": String = "", redacted;
        /// URL of the service.
        url "url": String = "https://api.pushover.net/1/messages.json";
    }

    /// The VictorOps (Splunk On-Call) handler.
    Victorops {
        /// Use it.
        enabled "enabled": bool = false;
        /// Key of the API.
        api_key "api-key": String = "", redacted;
        /// Routing key where a handler names none.
        routing_key "routing-key": String = "";
        /// URL of the service.
        url "url": String = "https://alert.victorops.com/integrations/generic/20131114/alert";
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
        /// Send the data as JSON instead of as a text that holds JSON.
        json_data "json-data": bool = false;
    }
}
