namespace PonyCloud.Database.Tests.Rules;

/// <summary>Marks of waiting orders, and JSON that would keep the controller from loading.</summary>
public sealed class OutageRules : RuleTable
{
    private const string DeepInText = "repeat('[', 65) || repeat(']', 65)";

    public override string World => "INSERT INTO written_order VALUES ('00000000-0000-4000-8000-00000000aaaa', now())";

    public override IEnumerable<BrokenRule> Rules =>
    [
        new("written_order_pkey", "INSERT INTO written_order VALUES ('00000000-0000-4000-8000-00000000aaaa', now())"),
        new("config_value_readable", """UPDATE config SET value = '"\ud83d"'""", "high surrogate alone"),
        new("config_value_readable", """UPDATE config SET value = '{"\uDC34": 1}'""", "low surrogate alone, in a name"),
        new("config_value_readable", """UPDATE config SET value = '["\udc34\ud83d"]'""", "pair in the wrong order"),
        new("config_value_readable", """UPDATE config SET value = '"\\\\\\\ud83d"'""", "behind backslashes"),
        new("config_value_readable", $"UPDATE config SET value = ({DeepInText})::json", "nested too deep"),
        new("user_data_readable", """UPDATE "user" SET data = '"\ud83d\ud83d\udc34"'"""),
        new("event_data_readable", """UPDATE event SET data = '"\ud83dx\udc34"'"""),
        new("storage_pool_config_readable", """INSERT INTO storage_pool (name, type, config) VALUES ('x', 'dir', '{"path": "\ud83d"}')"""),
        new("storage_pool_secret_readable", """INSERT INTO storage_pool (name, type, config, secret) VALUES ('x', 'rbd', '{"pool": "a", "monitors": ["b"]}', '{"key": "\ud83d"}')"""),
    ];
}
