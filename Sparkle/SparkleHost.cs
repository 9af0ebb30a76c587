using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Hosting;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Hosts;
using PonyCloud.Sparkle.Migrations;
using PonyCloud.Sparkle.Networks;
using PonyCloud.Sparkle.Outage;
using PonyCloud.Sparkle.Placement;
using PonyCloud.Sparkle.Storage;
using PonyCloud.Sparkle.Tenancy;

namespace PonyCloud.Sparkle;

/// <summary>Puts the controller together from its settings: a line for each room.</summary>
internal static class SparkleHost
{
    /// <exception cref="ConfigurationException">Settings contradict each other.</exception>
    public static IHost Build(ConfigurationValues values)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.AddDaemon(values);
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(EntityCatalog.Load());
        var keys = CurveKeyCommand.Load(SparkleConfiguration.KeyFile(values));
        builder.Services.AddSingleton(provider => new KeyGate(provider.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton(provider => ZeroMqOptions.Server(values.Text(SparkleConfiguration.Endpoint), PeerId.Sparkle.Text) with
        {
            Curve = new ZeroMqCurve.Server(keys),
            Gate = provider.GetRequiredService<KeyGate>(),
        });
        builder.Services.AddSingleton<IMessageTransport, ZeroMqTransport>();

        // The order of hosted services is that of these lines, and the opposite when they stop: the loop outlives all that feed it.
        builder.Services.AddControl(SparkleConfiguration.Control(values));
        builder.Services.AddHosts();
        builder.Services.AddPlacement();
        builder.Services.AddStorage();
        builder.Services.AddMigrations();
        builder.Services.AddNetworks();
        builder.Services.AddTenancy();
        builder.Services.AddEvents(SparkleConfiguration.Retention(values));
        builder.Services.AddOutage(SparkleConfiguration.LetGo(values));
        builder.Services.AddDatabase(SparkleConfiguration.Database(values));
        builder.Services.AddApi(SparkleConfiguration.Api(values));
        builder.Services.AddHostedService<ReadinessReporter>();

        var application = builder.Build();
        application.UseRouting();
        application.MapApi();
        return application;
    }
}
