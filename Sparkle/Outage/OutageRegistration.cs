using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;

namespace PonyCloud.Sparkle.Outage;

/// <summary>The room's one line in the program.</summary>
public static class OutageRegistration
{
    /// <summary>Adds the desk that takes orders to let go, and what brings them to the database.</summary>
    public static IServiceCollection AddOutage(this IServiceCollection services, LetGoOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(provider => OpenDesk(
            options, provider.GetRequiredService<EntityCatalog>(), provider.GetRequiredService<IStateView>(),
            provider.GetRequiredService<IOrderOverlay>(), provider.GetRequiredService<IEventSink>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<LetGoDesk>>()));
        services.AddSingleton<ILetGoDesk>(provider => provider.GetRequiredService<LetGoDesk>());
        services.AddSingleton<WaitingOrders>();
        services.AddSingleton<IWaitingOrders>(provider => provider.GetRequiredService<WaitingOrders>());
        services.AddHostedService(provider => provider.GetRequiredService<WaitingOrders>());
        return services;
    }

    /// <exception cref="IOException">The journal cannot be opened, or another process has it.</exception>
    internal static LetGoDesk OpenDesk(
        LetGoOptions options, EntityCatalog catalog, IStateView view, IOrderOverlay overlay, IEventSink events, TimeProvider time,
        ILogger<LetGoDesk> logger)
    {
        Directory.CreateDirectory(options.Directory);
        var journal = new OrderJournal(
            new JournalFile(Path.Combine(options.Directory, "orders.a")), new JournalFile(Path.Combine(options.Directory, "orders.b")),
            catalog, options, time);
        var desk = new LetGoDesk(journal, view, overlay, options, time, logger);
        desk.Report(events);
        return desk;
    }
}
