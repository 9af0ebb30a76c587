using System.Net;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Transfers;

namespace PonyCloud.Sparkle.Tests.Transfers;

/// <summary>Who may have a content and who may send one: as for the row.</summary>
public sealed class TransferAccessTests : TransferFixture
{
    [TestCase(Owner, "A", 200, 201)]
    [TestCase(Admin, "A", 200, 201)]
    [TestCase(Operator, "A", 200, 403, Description = "reads only")]
    [TestCase(Alicorn, null, 200, 201)]
    [TestCase(Alicorn, "A", 200, 201)]
    [TestCase(Alicorn, "B", 404, 404, Description = "an owner of another tenant, and no more")]
    [TestCase(Owner, null, 403, 403, Description = "a user token of a member")]
    [TestCase(Stranger, "B", 404, 404)]
    [TestCase(Stranger, null, 404, 404)]
    [TestCase(null, null, 401, 401)]
    public async Task Access_is_that_of_the_row(string? user, string? tenant, int reads, int writes)
    {
        var token = user is null ? null : Token(user, tenant switch { "A" => TenantA, "B" => TenantB, _ => null });
        using var asked = Request(HttpMethod.Get, token);
        using var read = await Http.SendAsync(asked);
        Assert.That((int)read.StatusCode, Is.EqualTo(reads), "GET");
        using var sent = Request(HttpMethod.Put, token);
        Assert.That((int)(await SendAsync(sent, new ByteArrayContent(Bytes))).Status, Is.EqualTo(writes), "PUT");
        if (reads != 200)
            Assert.That(Keeper.Seen, Is.Empty, "no host was asked");
    }

    [Test]
    public async Task A_foreign_volume_reads_like_one_that_is_not_there()
    {
        var stranger = Token(Stranger, TenantB);
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Put])
        {
            var texts = new List<string>();
            foreach (var path in (string[])[Path, Path.Replace($"{TenantA}", $"{TenantB}", StringComparison.Ordinal), NotThere()])
                texts.Add((await SendAsync(method, path, stranger)).ToString());
            Assert.That(texts.Distinct().Count(), Is.EqualTo(1), string.Join('\n', texts));
            Assert.That(texts[0], Does.StartWith("404"));
        }

        static string NotThere() => $"/api/v1/tenant/{TenantB}/volume/{Guid.NewGuid()}/content";
    }

    [TestCase("POST")]
    [TestCase("PATCH")]
    [TestCase("DELETE")]
    public async Task A_content_is_read_and_sent_and_nothing_else(string method) =>
        Assert.That((await SendAsync(new HttpMethod(method), Path, User)).Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed));

    [Test]
    public async Task OPTIONS_tells_the_methods() =>
        Assert.That((await SendAsync(HttpMethod.Options, Path, User)).ContentHeaders.Allow, Is.EquivalentTo(["GET", "HEAD", "OPTIONS", "PUT"]));

    [Test]
    public async Task What_opens_the_host_is_in_no_answer()
    {
        var host = await GetAsync($"/api/v1/host/{Host}", Token(Alicorn));
        Assert.That((string?)host.Json["current"]!["transfer_endpoint"], Is.EqualTo(Keeper.Endpoint));
        Assert.That(host.Text, Does.Not.Contain(Keeper.Token).And.Not.Contain("transfer_token"));
        Assert.That((await GetAsync("/api/v1/", Token(Alicorn))).Text, Does.Not.Contain(Keeper.Token));
        Assert.That((await GetAsync("/api/v1/host?fields=current.transfer_token", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(Database.Snapshot![Database.Catalog["host"]].Find(RowKey.Of(Host))!.Current, Is.InstanceOf<HostCurrent>()
            .And.Property(nameof(HostCurrent.TransferToken)).EqualTo(Keeper.Token));
    }

    [Test]
    public async Task A_token_that_ends_ends_the_download()
    {
        var token = User;
        Keeper.Fault(async (context, _) =>
        {
            context.Response.ContentLength = Bytes.Length;
            await context.Response.Body.WriteAsync(Bytes.AsMemory(0, 10));
            await FakeKeeper.SilenceAsync(context);
        });
        using var asked = Request(HttpMethod.Get, token);
        using var answer = await Http.SendAsync(asked, HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await answer.Content.ReadAsStreamAsync();
        await stream.ReadExactlyAsync(new byte[10]);
        await DeleteAsync("/api/v1/token", token);
        Assert.That(async () => await stream.ReadAsync(new byte[1]), Throws.InstanceOf<IOException>());
    }
}
