using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.TestKit.Control;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Pony.Tests;

/// <summary>A request as it arrived.</summary>
internal sealed record SeenRequest(string Method, string Path, string Query, string? IfMatch, string? IdempotencyKey, string? Authorization);

/// <summary>
/// Sparkle's own API on a free port of this machine, over a database in memory: what pony is tested with is what it will
/// meet. In front of it stands what a test wants to go wrong.
/// </summary>
internal sealed class ApiServer : IAsyncDisposable
{
    public const string Password = "correct horse battery";
    public const string Alicorn = "alicorn@localhost";
    public const string Owner = "owner@a.example";

    public static readonly Guid TenantA = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000001");
    public static readonly Guid TenantB = Guid.Parse("bbbbbbbb-0000-4000-8000-000000000001");
    public static readonly Guid Web = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000002");
    public static readonly Guid Db = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000003");
    public static readonly Guid Host = Guid.Parse("cccccccc-0000-4000-8000-000000000001");
    public static readonly Guid Profile = Guid.Parse("dddddddd-0000-4000-8000-000000000001");

    private static readonly EntityCatalog Entities = EntityCatalog.Load();
    private static readonly JsonText PasswordHash = new Passwords().Hash(Password);

    private readonly TemporaryDirectory _directory = new("pony-api");
    private readonly List<(Func<HttpRequest, bool> When, Func<HttpContext, Func<Task>, Task> What)> _faults = [];
    private readonly List<SeenRequest> _seen = [];
    private readonly WebApplication _app;

    private ApiServer((string Certificate, string Key)? tls)
    {
        Database = new MemoryDatabase(Entities);
        Database.Put(
            new UserDesired { Email = Alicorn, Alicorn = true, Data = PasswordHash },
            new UserDesired { Email = Owner, Data = PasswordHash },
            new TenantDesired { Uuid = TenantA, Name = "acme", Approved = true },
            new TenantDesired { Uuid = TenantB, Name = "bravo", Approved = true },
            new MemberDesired
            {
                Uuid = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000009"),
                User = Owner,
                Tenant = TenantA,
                Role = MemberRole.Owner,
            },
            new CpuProfileDesired { Uuid = Profile, Name = "small", Model = "qemu64" },
            new HostDesired { Uuid = Host, Name = "metal" },
            new InstanceDesired { Uuid = Web, Tenant = TenantA, Name = "web", Mem = 512, State = InstanceState.Running },
            new InstanceDesired { Uuid = Db, Tenant = TenantA, Name = "db", Mem = 2048 });
        Database.Report(
            new InstanceCurrent { Uuid = Web, Status = InstanceStatus.Running, Vcpu = 1, Mem = 512 },
            new InstanceCurrent { Uuid = Db, Status = InstanceStatus.Unplaced });
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(Entities);
        builder.Services.AddSingleton<IStateView>(Database);
        builder.Services.AddSingleton<IDesiredStateWriter>(Database);
        builder.Services.AddSingleton<IRequestLedger>(Database);
        builder.Services.AddApi(Options(tls));
        _app = builder.Build();
        _app.Use(InterfereAsync);
        _app.MapApi();
        foreach (var feature in _app.Services.GetServices<IControlFeature>())
            Database.Settled += feature.Settled;
    }

    public MemoryDatabase Database { get; }

    public Uri Address { get; private set; } = null!;

    /// <summary>All requests so far.</summary>
    public IReadOnlyList<SeenRequest> Seen
    {
        get
        {
            lock (_seen)
                return [.. _seen];
        }
    }

    /// <param name="tls">The certificate that it shows, with its chain, and the key of it, in PEM; null for plain HTTP.</param>
    public static async Task<ApiServer> StartAsync((string Certificate, string Key)? tls = null)
    {
        var server = new ApiServer(tls);
        await server._app.StartAsync();
        server.Address = new Uri(server._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return server;
    }

    /// <summary>A token without the detour over the password, which is slow on purpose.</summary>
    public string Token(string email) => _app.Services.GetRequiredService<TokenService>()
        .Issue(_app.Services.GetRequiredService<UserDirectory>().FindUser(Database.Snapshot!, email)!, null).Text;

    /// <summary>Has the next request with this method do this, in place of what it would, before it or after it.</summary>
    public void Fault(string method, Func<HttpContext, Func<Task>, Task> what) => Fault(request => request.Method == method, what);

    /// <summary>Has the next such request do this.</summary>
    public void Fault(Func<HttpRequest, bool> when, Func<HttpContext, Func<Task>, Task> what)
    {
        lock (_seen)
            _faults.Add((when, what));
    }

    /// <summary>Has the next stream of changes begin with these events, and then end.</summary>
    public void Stream(params string[] events) => Fault(IsWatch, async (context, _) =>
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.WriteAsync(string.Concat(events.Select(text => text + "\n\n")));
    });

    /// <summary>Has the next request with this method answered so.</summary>
    public void Answer(string method, int status, string? retryAfter = null, string? body = null) => Fault(method, async (context, _) =>
    {
        context.Response.StatusCode = status;
        context.Response.Headers.RetryAfter = retryAfter;
        context.Response.ContentType = "application/problem+json";
        await context.Response.WriteAsync(body ?? new JsonObject { ["title"] = $"Answered {status}", ["status"] = status }.ToJsonString());
    });

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _directory.Dispose();
    }

    private ApiOptions Options((string Certificate, string Key)? tls)
    {
        var options = new ApiOptions { Listen = "http://127.0.0.1:0", DataDirectory = _directory.Path };
        if (tls is not { } pair)
            return options;
        File.WriteAllText(_directory["tls.crt"], pair.Certificate);
        File.WriteAllText(_directory["tls.key"], pair.Key);
        return options with { Listen = "https://127.0.0.1:0", CertificateFile = _directory["tls.crt"], CertificateKeyFile = _directory["tls.key"] };
    }

    public static bool IsWatch(HttpRequest request) => request.Path == "/api/v1/watch";

    private Task InterfereAsync(HttpContext context, Func<Task> next)
    {
        var request = context.Request;
        Func<HttpContext, Func<Task>, Task>? what = null;
        lock (_seen)
        {
            _seen.Add(new SeenRequest(
                request.Method, request.Path, request.QueryString.Value ?? "", Text(request.Headers.IfMatch), Text(request.Headers["Idempotency-Key"]), Text(request.Headers.Authorization)));
            var fault = _faults.FindIndex(fault => fault.When(request));
            if (fault >= 0)
            {
                what = _faults[fault].What;
                _faults.RemoveAt(fault);
            }
        }
        return what is null ? next() : what(context, next);

        static string? Text(Microsoft.Extensions.Primitives.StringValues values) => values.Count == 0 ? null : values.ToString();
    }
}
