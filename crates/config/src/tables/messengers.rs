//! Tables of the handlers that send messages to people: chat and e-mail.

use std::time::Duration;

use super::seconds;
use crate::setting::tables;

tables! {
    /// One Discord workspace.
    Discord {
        /// Use it.
        enabled "enabled": bool = false;
        /// Use it where a handler names no workspace.
        default "default": bool = true;
        /// Name by which handlers choose it.
        workspace "workspace": String = "";
        /// Webhook of the channel.
        url "url": String = "";
        /// Show the event's time.
        timestamp "timestamp": bool = false;
        /// Name of the sender.
        username "username": String = "";
        /// Picture of the sender.
        avatar_url "avatar-url": String = "";
        /// Title of the message.
        embed_title "embed-title": String = "";
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
        /// With global: only when the level changes.
        state_changes_only "state-changes-only": bool = false;
        /// Path of the certificate authorities, PEM.
        ssl_ca "ssl-ca": String = "";
        /// Path of the client certificate, PEM.
        ssl_cert "ssl-cert": String = "";
        /// Path of the client key, PEM.
        ssl_key "ssl-key": String = "";
        /// Do not verify the server's certificate. Insecure.
        insecure_skip_verify "insecure-skip-verify": bool = false;
    }

    /// The HipChat handler.
    Hipchat {
        /// Use it.
        enabled "enabled": bool = false;
        /// URL of the API, up to /v2/room.
        url "url": String = "";
        /// Token where a handler names none.
        token "token": String = "", redacted;
        /// Room where a handler names none.
        room "room": String = "";
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
        /// With global: only when the level changes.
        state_changes_only "state-changes-only": bool = false;
    }

    /// One Slack workspace.
    Slack {
        /// Use it.
        enabled "enabled": bool = false;
        /// Use it where a handler names no workspace.
        default "default": bool = true;
        /// Name by which handlers choose it.
        workspace "workspace": String = "";
        /// Incoming webhook, or https://slack.com/api/chat.postMessage with a token.
        url "url": String = "", redacted;
        /// OAuth token; empty for an incoming webhook.
        token "token": String = "", redacted;
        /// Channel where a handler names none.
        channel "channel": String = "";
        /// Name of the sender.
        username "username": String = "kapacitor";
        /// Emoji of the sender, as :name:.
        icon_emoji "icon-emoji": String = "";
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
        /// With global: only when the level changes.
        state_changes_only "state-changes-only": bool = false;
        /// Path of the certificate authorities, PEM.
        ssl_ca "ssl-ca": String = "";
        /// Path of the client certificate, PEM.
        ssl_cert "ssl-cert": String = "";
        /// Path of the client key, PEM.
        ssl_key "ssl-key": String = "";
        /// Do not verify the server's certificate. Insecure.
        insecure_skip_verify "insecure-skip-verify": bool = false;
    }

    /// The e-mail handler.
    Smtp {
        /// Use it.
        enabled "enabled": bool = false;
        /// Mail server.
        host "host": String = "localhost";
        /// Port of the mail server.
        port "port": i64 = 25;
        /// User name.
        username "username": String = "";
        /// Password.
        password "password": String = "", redacted;
        /// Do not verify the server's certificate. Insecure.
        no_verify "no-verify": bool = false;
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
        /// With global: only when the level changes.
        state_changes_only "state-changes-only": bool = false;
        /// Sender.
        from "from": String = "";
        /// Receivers where a handler names none.
        to "to": Vec<String> = Vec::new();
        /// Templates that yield further receivers for an event.
        to_templates "toTemplates": Vec<String> = Vec::new(), override_key("to-templates");
        /// How long an idle connection is kept.
        idle_timeout "idle-timeout": Duration = seconds(30);
    }

    /// The Talk handler.
    Talk {
        /// Use it.
        enabled "enabled": bool = false;
        /// Incoming webhook.
        url "url": String = "", redacted;
        /// Name of the sender.
        author_name "author_name": String = "";
    }

    /// The Microsoft Teams handler.
    Teams {
        /// Use it.
        enabled "enabled": bool = false;
        /// Incoming webhook of the channel.
        channel_url "channel-url": String = "";
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
        /// With global: only when the level changes.
        state_changes_only "state-changes-only": bool = false;
    }

    /// The Telegram handler.
    Telegram {
        /// Use it.
        enabled "enabled": bool = false;
        /// URL of the bot API, up to /bot.
        url "url": String = "https://api.telegram.org/bot";
        /// Token of the bot, from @BotFather.
        token "token": String = "", redacted;
        /// Chat where a handler names none.
        chat_id "chat-id": String = "";
        /// Markdown or HTML; plain text when empty.
        parse_mode "parse-mode": String = "";
        /// Show no previews of links.
        disable_web_page_preview "disable-web-page-preview": bool = false;
        /// Send without a sound.
        disable_notification "disable-notification": bool = false;
        /// Send every alert, without a handler in the script.
        global "global": bool = false;
        /// With global: only when the level changes.
        state_changes_only "state-changes-only": bool = false;
    }
}
