using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Messaging;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Outage;
using PonyCloud.TestKit.Database;
using PonyCloud.TestKit.Messaging;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Database.Tests;

/// <summary>The controller's API over a database of its own, without hosts.</summary>
internal sealed class ApiOnPostgres : IAsyncDisposable
{
    private const string Alicorn = "luna@canterlot.example";

    private readonly WebApplication _app;
    private readonly string _directory;
    private readonly string _token;

    private ApiOnPostgres(WebApplication app, string directory, string connectionString)
    {
        _app = app;
        _directory = directory;
        ConnectionString = connectionString;
        _token = TokenOf(Alicorn);
        Http = new HttpClient
        {
            BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()),
            Timeout = TimeSpan.FromMinutes(2),
        };
    }

    public string ConnectionString { get; }

    private HttpClient Http { get; }

    /// <param name="sql">What is to be in the database before the controller comes.</param>
    public static async Task<ApiOnPostgres> StartAsync(string sql = "")
    {
        var connectionString = await SharedServer.Server.CreateDatabaseAsync();
        await PostgresServer.PsqlAsync(connectionString, $"""INSERT INTO "user" (email, alicorn, data) VALUES ('{Alicorn}', true, '1');{sql}""");
        var directory = Directory.CreateTempSubdirectory("ponycloud-api-").FullName;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(Link.Catalog);
        builder.Services.AddSingleton<IMessageTransport>(new FakeNetwork().Open(PeerId.Sparkle.Text));
        builder.Services.AddControl(new ControlOptions());
        builder.Services.AddEvents(new RetentionOptions());
        builder.Services.AddDatabase(Link.Patient with { ConnectionString = connectionString });
        builder.Services.AddOutage(new LetGoOptions { Directory = directory });
        builder.Services.AddApi(new ApiOptions { Listen = "http://127.0.0.1:0", DataDirectory = directory });
        var app = builder.Build();
        app.MapApi();
        await app.StartAsync();
        var view = app.Services.GetRequiredService<IStateView>();
        await Eventually.HoldsAsync("the rows", () => view.Snapshot is not null && view.Database.IsUp);
        return new ApiOnPostgres(app, directory, connectionString);
    }

    /// <summary>A token without the detour over a password.</summary>
    public string TokenOf(string email, string? tenant = null)
    {
        var snapshot = _app.Services.GetRequiredService<IStateView>().Snapshot!;
        var user = _app.Services.GetRequiredService<UserDirectory>().FindUser(snapshot, email)!;
        return _app.Services.GetRequiredService<TokenService>().Issue(user, tenant).Text;
    }

    /// <summary>As an operator of the platform, unless a header says otherwise.</summary>
    /// <param name="headers">Names and values in turn.</param>
    public async Task<(int Status, JObject Json, string? Tag, Uri? Location)> SendAsync(
        string method, string path, string? body = null, string mediaType = "application/json", params string[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        for (var i = 0; i < headers.Length; i += 2)
            request.Headers.TryAddWithoutValidation(headers[i], headers[i + 1]);
        request.Headers.Authorization ??= new AuthenticationHeaderValue("Bearer", _token);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", mediaType);
        }
        using var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return ((int)response.StatusCode, text.Length == 0 ? [] : JObject.Parse(text), response.Headers.ETag?.ToString(), response.Headers.Location);
    }

    /// <summary>What a path answers that is no JSON, as an operator of the platform.</summary>
    public async Task<string> TextAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        using var response = await Http.SendAsync(request);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsStringAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
