using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class RevisionTests : ApiFixture
{
    [Test]
    public async Task Every_read_says_what_it_has_seen()
    {
        var first = await RevisionAsync($"/api/v1/tenant/{TenantA}/instance/{InstanceA}");
        Assert.That(first, Is.EqualTo(await RevisionAsync("/api/v1/tenant")), "nothing changed in between");
        Database.Put(new InstanceDesired { Uuid = InstanceB, Tenant = TenantB, Name = "db", Mem = 128 });
        Assert.That(await RevisionAsync("/api/v1/tenant"), Is.Not.EqualTo(first));

        async Task<string> RevisionAsync(string path) =>
            (await GetAsync(path, Token(Alicorn))).Headers.GetValues(Revisions.Header).Single();
    }

    [Test]
    public void A_revision_is_read_back_by_the_run_that_made_it_only()
    {
        using var run = new Revisions();
        using var another = new Revisions();
        foreach (var revision in (long[])[0, 1, 2, 1_000_000, long.MaxValue])
        {
            var text = run.TextOf(revision);
            Assert.That(run.Read(text), Is.EqualTo(revision));
            Assert.That(another.Read(text), Is.Null);
        }
    }

    [TestCase("")]
    [TestCase("12")]
    [TestCase("=====================")]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAA")]
    [TestCase("AAAAAAAAAAAAAAAAAAAA A")]
    public void Other_text_is_no_revision(string text) => Assert.That(Revisions.IsWellFormed(text), Is.False);
}
