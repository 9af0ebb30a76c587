using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Tests.Api;
using PonyCloud.Sparkle.Transfers;
using PonyCloud.TestKit.Transfers;

namespace PonyCloud.Sparkle.Tests.Transfers;

/// <summary>The API beside a host that keeps a volume of tenant A, and hears of orders as soon as they are visible.</summary>
public abstract class TransferFixture : ApiFixture
{
    protected const int MiB = 1024 * 1024;

    protected static readonly Guid Pool = Guid.Parse("cccccccc-0000-4000-8000-000000000005");
    protected static readonly Guid Volume = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000007");
    protected static readonly string Path = $"/api/v1/tenant/{TenantA}/volume/{Volume}/content";

    protected FakeKeeper Keeper { get; private set; } = null!;

    /// <summary>What the volume holds.</summary>
    protected byte[] Bytes { get; private set; } = null!;

    /// <summary>Whether the host hears of orders by itself.</summary>
    protected bool HearsOrders { get; set; }

    protected VolumeDesired Row => (VolumeDesired)Database.Snapshot![Database.Catalog["volume"]].Find(RowKey.Of(Volume))!.Desired!;

    protected virtual TransferOptions Limits => new();

    protected override void AddServices(IServiceCollection services) => services.AddSingleton(Limits);

    [SetUp]
    public async Task StartKeeperAsync()
    {
        Keeper = await FakeKeeper.StartAsync();
        HearsOrders = true;
        Bytes = Noise(2 * MiB);
        Keeper.Keep(Volume, 1, Bytes);
        Database.Put(
            new StoragePoolDesired { Uuid = Pool, Name = "local", Type = StoragePoolType.Dir, Config = JsonText.Parse("{}") },
            new VolumeDesired { Uuid = Volume, Tenant = TenantA, Name = "root", Size = 2, StoragePool = Pool, Content = VolumeContent.Made },
            new HostVolumeDesired { Host = Host, Volume = Volume });
        Database.Report(
            Keeper.Report(Host),
            new HostVolumeCurrent { Host = Host, Volume = Volume, Status = StorageStatus.Ready, Size = 2, Generation = 1 });
        Database.Settled += Hear;
    }

    [TearDown]
    public async Task StopKeeperAsync()
    {
        Assert.That(Log.Lines, Has.None.Contains(Keeper.Token), "the token stays out of the log");
        Assert.That(Log.Lines.Where(line => line.StartsWith("Error", StringComparison.Ordinal)), Is.Empty);
        await Keeper.DisposeAsync();
    }

    protected static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(17).NextBytes(bytes);
        return bytes;
    }

    /// <summary>At once, where a comparison of element by element takes seconds.</summary>
    protected static void AssertSame(byte[] actual, byte[] expected) =>
        Assert.That((actual.Length, actual.AsSpan().SequenceEqual(expected)), Is.EqualTo((expected.Length, true)));

    protected static string DigestOf(byte[] content) => KeptContent.DigestOf(SHA256.HashData(content));

    protected string User => Token(Admin, TenantA);

    protected static HttpRequestMessage Request(HttpMethod method, string? token, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, Path);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    /// <summary>Begins a download: the headers are there, and more when it is read.</summary>
    protected async Task<HttpResponseMessage> OpenAsync(params (string Name, string Value)[] headers)
    {
        using var request = Request(HttpMethod.Get, User, headers);
        return await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>Downloads all that is sent.</summary>
    protected async Task<Content> DownloadAsync(params (string Name, string Value)[] headers)
    {
        using var answer = await OpenAsync(headers);
        return new Content(
            answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(), answer.Headers.ETag?.ToString(), answer.Content.Headers.ContentRange?.ToString());
    }

    protected async Task<Uploaded> UploadAsync(byte[] body, string? contentRange = null, string? digest = null, string? token = null)
    {
        using var request = Request(HttpMethod.Put, token ?? User);
        if (digest is not null)
            request.Headers.TryAddWithoutValidation("Repr-Digest", digest);
        return await SendAsync(request, new ByteArrayContent(body), contentRange);
    }

    protected async Task<Uploaded> SendAsync(HttpRequestMessage request, HttpContent body, string? contentRange = null)
    {
        request.Content = body;
        if (contentRange is not null)
            request.Content.Headers.TryAddWithoutValidation("Content-Range", contentRange);
        using var answer = await Http.SendAsync(request);
        var offset = answer.Headers.TryGetValues("Upload-Offset", out var values) ? long.Parse(values.Single(), null) : (long?)null;
        var range = answer.Headers.TryGetValues("Range", out values) ? values.Single() : null;
        return new Uploaded(answer.StatusCode, offset, range, await answer.Content.ReadAsStringAsync());
    }

    protected Task<Uploaded> AskAsync(int total, string? digest = null) => UploadAsync([], $"bytes */{total}", digest);

    protected Task<Uploaded> PartAsync(byte[] content, int from, int to, string? digest = null) =>
        UploadAsync(content[from..to], $"bytes {from}-{to - 1}/{content.Length}", digest);

    private void Hear(ChangeSet changes)
    {
        foreach (var row in changes.Rows)
        {
            if (HearsOrders && row.After?.Desired is VolumeDesired { Content: VolumeContent.Upload } volume)
                Keeper.Await(volume.Uuid, volume.Generation, volume.Size * MiB);
        }
    }

    protected sealed record Content(HttpStatusCode Status, byte[] Bytes, string? Tag, string? Range);

    protected sealed record Uploaded(HttpStatusCode Status, long? Offset, string? Range, string Text)
    {
        public string? ProblemType => ((string?)JObject.Parse(Text)["type"])?.Split(':')[^1];

        public override string ToString() => $"{(int)Status} {Text}";
    }
}
