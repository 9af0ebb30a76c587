using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Benchmarks;

/// <summary>The API on a free port over a database in memory, with peers of it beside it on the same server.</summary>
internal sealed class ApiInProcess : IAsyncDisposable
{
    private const string User = "alicorn@localhost";
    private const string Password = "benchmark password";

    private readonly WebApplication _application;
    private readonly string _directory;

    private ApiInProcess(WebApplication application, string directory)
    {
        _application = application;
        _directory = directory;
    }

    public string Address => _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <summary>An operator's.</summary>
    public string Token { get; private set; } = "";

    /// <summary>Speaks as the operator.</summary>
    public HttpClient Http { get; } = new();

    /// <param name="mapPeers">Maps what is measured beside the API.</param>
    public static async Task<ApiInProcess> StartAsync(MemoryDatabase database, Action<WebApplication> mapPeers)
    {
        database.Put(new UserDesired { Email = User, Alicorn = true, Data = new Passwords().Hash(Password) });
        var directory = Directory.CreateTempSubdirectory("ponycloud-bench-").FullName;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(database.Catalog);
        builder.Services.AddSingleton<IStateView>(database);
        builder.Services.AddSingleton<IDesiredStateWriter>(database);
        builder.Services.AddSingleton<IRequestLedger>(database);
        builder.Services.AddApi(new ApiOptions { Listen = "http://127.0.0.1:0", DataDirectory = directory });
        var application = builder.Build();
        mapPeers(application);
        application.MapApi();
        await application.StartAsync();
        var api = new ApiInProcess(application, directory);
        await api.LogInAsync();
        return api;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _application.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task LogInAsync()
    {
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{Password}")));
        using var answer = await Http.PostAsync(new Uri($"{Address}/api/v1/token"), null);
        answer.EnsureSuccessStatusCode();
        Token = (string)JObject.Parse(await answer.Content.ReadAsStringAsync())["token"]!;
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
    }
}
