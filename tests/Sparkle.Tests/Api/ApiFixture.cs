using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Tests.Api.Description;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Sparkle.Tests.Api;

/// <summary>
/// The API behind a real Kestrel on a free port, over a database in memory with two tenants and their users. Every answer that
/// <see cref="Http"/> gets is compared with what the API says about itself.
/// </summary>
public abstract class ApiFixture
{
    protected const string Password = "correct horse battery";
    protected const string Alicorn = "alicorn@localhost";
    protected const string Owner = "owner@a.example";
    protected const string Admin = "admin@a.example";
    protected const string Operator = "operator@a.example";
    protected const string Stranger = "owner@b.example";

    private static readonly EntityCatalog Entities = EntityCatalog.Load();
    private static readonly JsonText PasswordHash = new Passwords().Hash(Password);

    private WebApplication _app = null!;
    private string _directory = null!;

    protected static readonly Guid TenantA = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000001");
    protected static readonly Guid TenantB = Guid.Parse("bbbbbbbb-0000-4000-8000-000000000001");
    protected static readonly Guid InstanceA = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000002");
    protected static readonly Guid InstanceB = Guid.Parse("bbbbbbbb-0000-4000-8000-000000000002");
    protected static readonly Guid Host = Guid.Parse("cccccccc-0000-4000-8000-000000000001");
    protected static readonly Guid Profile = Guid.Parse("dddddddd-0000-4000-8000-000000000001");

    protected MemoryDatabase Database { get; private set; } = null!;

    protected HttpClient Http { get; private set; } = null!;

    protected LogRecorder Log { get; private set; } = null!;

    protected Uri Address { get; private set; } = null!;

    protected T Service<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    protected virtual TimeProvider Clock => TimeProvider.System;

    protected virtual ApiOptions Options(ApiOptions options) => options;

    /// <summary>What else is there.</summary>
    protected virtual void AddServices(IServiceCollection services)
    {
    }

    /// <summary>Where the controller keeps what outlives it.</summary>
    protected string DataDirectory => _directory;

    [SetUp]
    public async Task StartAsync()
    {
        _directory = Directory.CreateTempSubdirectory("ponycloud-api-").FullName;
        Database = new MemoryDatabase(Entities);
        Database.Put(
            new UserDesired { Email = Alicorn, Alicorn = true, Data = PasswordHash },
            new UserDesired { Email = Owner, Data = PasswordHash },
            new UserDesired { Email = Admin, Data = PasswordHash },
            new UserDesired { Email = Operator, Data = PasswordHash },
            new UserDesired { Email = Stranger, Data = PasswordHash },
            new TenantDesired { Uuid = TenantA, Name = "a", Approved = true },
            new TenantDesired { Uuid = TenantB, Name = "b", Approved = true },
            Member(Owner, TenantA, MemberRole.Owner, 3),
            Member(Admin, TenantA, MemberRole.Admin, 4),
            Member(Operator, TenantA, MemberRole.Operator, 5),
            Member(Stranger, TenantB, MemberRole.Owner, 3),
            new CpuProfileDesired { Uuid = Profile, Name = "small", Model = "qemu64" },
            new HostDesired { Uuid = Host, Name = "metal" },
            new InstanceDesired { Uuid = InstanceA, Tenant = TenantA, Name = "web", Mem = 64 },
            new InstanceDesired { Uuid = InstanceB, Tenant = TenantB, Name = "db", Mem = 64 });
        Log = new LogRecorder();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(Log).SetMinimumLevel(LogLevel.Debug);
        builder.Services.AddSingleton(Entities);
        builder.Services.AddSingleton<IStateView>(Database);
        builder.Services.AddSingleton<IDesiredStateWriter>(Database);
        builder.Services.AddSingleton<IRequestLedger>(Database);
        builder.Services.AddSingleton(Clock);
        AddServices(builder.Services);
        builder.Services.AddApi(Options(new ApiOptions { Listen = "http://127.0.0.1:0", DataDirectory = _directory }));
        _app = builder.Build();
        _app.MapApi();
        foreach (var feature in _app.Services.GetServices<IControlFeature>())
            Database.Settled += feature.Settled;
        await _app.StartAsync();
        Address = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        Http = new HttpClient(new DocumentedAnswers(new SocketsHttpHandler())) { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(30) };
    }

    [TearDown]
    public async Task StopAsync()
    {
        Http.Dispose();
        foreach (var line in Log.Lines.Where(line => line.StartsWith("Error", StringComparison.Ordinal)))
            TestContext.Out.WriteLine(line);
        await _app.DisposeAsync();
        Log.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A token without the detour over the password, which is slow on purpose.</summary>
    protected string Token(string email, Guid? tenant = null) => Service<TokenService>()
        .Issue(Service<UserDirectory>().FindUser(Database.Snapshot!, email)!, tenant?.ToString()).Text;

    protected async Task<Answer> SendAsync(
        HttpMethod method, string path, string? token = null, object? body = null, string mediaType = "application/json",
        (string Name, string Value)? header = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (header is var (name, value))
            request.Headers.TryAddWithoutValidation(name, value);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body as byte[] ?? Encoding.UTF8.GetBytes(body.ToString()!));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", mediaType);
        }
        using var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new Answer(response.StatusCode, text, response.Headers, response.Content.Headers);
    }

    protected Task<Answer> GetAsync(string path, string? token = null) => SendAsync(HttpMethod.Get, path, token);

    protected Task<Answer> PostAsync(string path, string? token, object body) => SendAsync(HttpMethod.Post, path, token, body);

    protected Task<Answer> PatchAsync(string path, string? token, object patch) =>
        SendAsync(HttpMethod.Patch, path, token, patch, "application/json-patch+json");

    protected Task<Answer> DeleteAsync(string path, string? token) => SendAsync(HttpMethod.Delete, path, token);

    protected static AuthenticationHeaderValue Basic(string email, string password) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{email}:{password}")));

    protected async Task<Answer> LoginAsync(string email, string password)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/token");
        request.Headers.Authorization = Basic(email, password);
        using var response = await Http.SendAsync(request);
        return new Answer(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }

    private static MemberDesired Member(string user, Guid tenant, MemberRole role, int number) => new()
    {
        Uuid = Guid.Parse(tenant.ToString()[..^1] + number.ToString(CultureInfo.InvariantCulture)),
        User = user,
        Tenant = tenant,
        Role = role,
    };

    protected sealed record Answer(HttpStatusCode Status, string Text, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders)
    {
        public JObject Json => JObject.Parse(Text);

        public string? ProblemType => (string?)Json["type"];

        public string? Pointer => (string?)Json["pointer"];

        public override string ToString() => $"{(int)Status} {Text}";
    }
}

/// <summary>Keeps what was logged.</summary>
public sealed class LogRecorder : ILoggerProvider
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
                return [.. _lines];
        }
    }

    public ILogger CreateLogger(string categoryName) => new Recorder(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Recorder(LogRecorder owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (owner._lines)
                owner._lines.Add($"{logLevel} {category}[{eventId.Id}] {formatter(state, exception)} {exception}");
        }
    }
}
