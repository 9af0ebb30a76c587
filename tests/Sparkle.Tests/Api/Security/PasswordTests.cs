using System.Net;
using NUnit.Framework;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Tests.Api.Security;

public sealed class PasswordTests : ApiFixture
{
    private const string Better = "seven llamas on a raft";

    protected override ApiOptions Options(ApiOptions options) => options with { LoginFailures = 3, LoginWindow = TimeSpan.FromHours(1) };

    [TestCase("elevenchars")]
    [TestCase("aaaaaaaaaaaa")]
    [TestCase("abcabcabcabc")]
    [TestCase("123456789012")]
    [TestCase("098765432109")]
    [TestCase("qwertyuiop123")]
    [TestCase("1qaz2wsx3edc4rfv")]
    [TestCase("password1234")]
    [TestCase("Password!2026")]
    [TestCase("P@ssw0rdP@ssw0rd")]
    [TestCase("!!welcome!!2026")]
    [TestCase("adminadmin123")]
    [TestCase("iloveyou-1234")]
    [TestCase("LetMeIn-LetMeIn")]
    [TestCase("owner@a.example")]
    [TestCase("xx-Owner@A.example-xx")]
    [TestCase("owner-owner-1")]
    public void What_is_short_or_tried_first_is_refused(string password) => Assert.That(PasswordRules.Check(password, Owner), Is.Not.Null);

    [TestCase("correct horse battery")]
    [TestCase("seven llamas on a raft")]
    [TestCase("twelve chars")]
    [TestCase("8492 1736 0051")]
    [TestCase("the owner of a red boat")]
    [TestCase("пароль из слов")]
    public void Length_is_enough(string password) => Assert.That(PasswordRules.Check(password, Owner), Is.Null);

    [Test]
    public void Characters_are_counted_as_people_do()
    {
        Assert.That(PasswordRules.Check(string.Concat(Enumerable.Repeat("🦄🐴", 3)), null), Is.Not.Null);
        Assert.That(PasswordRules.Check("🦄🐴🌈⭐🔥🌊🍀🎈🚲🧲🪐🎻", null), Is.Null);
        Assert.That(PasswordRules.Check(string.Concat(Enumerable.Range(0, 128).Select(number => (char)(0x4e00 + number))), null), Is.Null);
        Assert.That(PasswordRules.Check(string.Concat(Enumerable.Range(0, 129).Select(number => (char)(0x4e00 + number))), null), Is.Not.Null);
    }

    [Test]
    public void Generated_passwords_are_taken()
    {
        for (var i = 0; i < 100; i++)
            Assert.That(PasswordRules.Check(Passwords.Generate(), Owner), Is.Null);
    }

    [Test]
    public async Task A_refused_password_is_named_and_not_repeated()
    {
        var made = await PostAsync("/api/v1/user", Token(Alicorn), """{"desired":{"email":"new@a.example","data":{"password":"password1234"}}}""");
        Assert.That(made.ProblemType, Is.EqualTo("urn:ponycloud:problem:weak-password"));
        Assert.That(made.Pointer, Is.EqualTo("/desired/data/password"));
        Assert.That(made.Text, Does.Not.Contain("password1234"));
        var changed = await ChangeAsync(Owner, Token(Owner), $$"""{"password":"{{Owner}}","current_password":"{{Password}}"}""");
        Assert.That(changed.ProblemType, Is.EqualTo("urn:ponycloud:problem:weak-password"));
        Assert.That(changed.Pointer, Is.EqualTo("/0/value/password"));
    }

    [Test]
    public async Task A_stolen_token_does_not_change_the_password()
    {
        var token = Token(Owner);
        var without = await ChangeAsync(Owner, token, $$"""{"password":"{{Better}}"}""");
        Assert.That(without.ProblemType, Is.EqualTo("urn:ponycloud:problem:missing-field"));
        Assert.That(without.Pointer, Is.EqualTo("/0/value/current_password"));
        var wrong = await ChangeAsync(Owner, token, $$"""{"password":"{{Better}}","current_password":"wrong password"}""");
        Assert.That(wrong.Status, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That(wrong.ProblemType, Is.EqualTo("urn:ponycloud:problem:wrong-password"));
        var none = await ChangeAsync(Owner, token, "null");
        Assert.That(none.ProblemType, Is.EqualTo("urn:ponycloud:problem:null-field"));
        Assert.That(Database.Commits, Is.Zero);
        Assert.That((await LoginAsync(Owner, Password)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Guessing_at_the_present_password_is_slowed_down_for_that_login_only()
    {
        var (thief, owner) = (Token(Owner), Token(Owner));
        for (var i = 0; i < 3; i++)
            Assert.That((await GuessAsync(thief, $"wrong {i}")).Status, Is.EqualTo(HttpStatusCode.Forbidden));
        var answer = await GuessAsync(thief, Password);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.TooManyRequests));
        Assert.That(answer.Headers.RetryAfter!.Delta, Is.GreaterThan(TimeSpan.Zero));
        Assert.That((await GuessAsync(owner, Password)).Status, Is.EqualTo(HttpStatusCode.OK));

        Task<Answer> GuessAsync(string token, string guess) =>
            ChangeAsync(Owner, token, $$"""{"password":"{{Better}}","current_password":"{{guess}}"}""");
    }

    [Test]
    public async Task Operators_set_the_passwords_of_others_and_not_their_own_without_the_present_one()
    {
        Assert.That((await ChangeAsync(Owner, Token(Alicorn), $$"""{"password":"{{Better}}"}""")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await LoginAsync(Owner, Better)).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await ChangeAsync(Alicorn, Token(Alicorn), $$"""{"password":"{{Better}}"}""")).Pointer, Is.EqualTo("/0/value/current_password"));
    }

    private Task<Answer> ChangeAsync(string user, string token, string value) =>
        PatchAsync($"/api/v1/user/{user}", token, $$"""[{"op":"add","path":"/desired/data","value":{{value}}}]""");
}
