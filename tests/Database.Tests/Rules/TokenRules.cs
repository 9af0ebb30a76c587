namespace PonyCloud.Database.Tests.Rules;

/// <summary>What no record of a user or of an ended token can say, but psql can; over the rows of <see cref="RefusalTests"/>.</summary>
public sealed class TokenRules : RuleTable
{
    public override IEnumerable<BrokenRule> Rules =>
    [
        new("revocation_expires_finite", "UPDATE revocation SET expires = 'infinity'"),
        new("user_tokens_valid_from_finite", "UPDATE \"user\" SET tokens_valid_from = 'infinity'"),
        new("user_tokens_valid_from_rises", """
            UPDATE "user" SET tokens_valid_from = '2020-01-02';
            UPDATE "user" SET tokens_valid_from = '2020-01-01'
            """),
    ];
}
