namespace PonyCloud.Database.Tests.Rules;

/// <summary>What is kept of requests never holds the key or the request itself.</summary>
public sealed class RequestKeyRules : RuleTable
{
    private const string Hash = "repeat('a', 64)";

    public override string World => $"INSERT INTO request_key VALUES ('a@b', {Hash}, {Hash}, '1')";

    public override IEnumerable<BrokenRule> Rules =>
    [
        new("request_key_pkey", $"INSERT INTO request_key VALUES ('a@b', {Hash}, {Hash}, '2')"),
        new("request_key_key_format", "UPDATE request_key SET key = 'order 7'"),
        new("request_key_fingerprint_format", "UPDATE request_key SET fingerprint = '{}'"),
    ];
}
