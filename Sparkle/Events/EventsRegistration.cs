using Microsoft.Extensions.DependencyInjection;

namespace PonyCloud.Sparkle.Events;

/// <summary>The room's one line in the program.</summary>
public static class EventsRegistration
{
    /// <summary>
    /// Adds the recorder of events, and what removes those that are old. Needs an <see cref="IEventStore"/> and an
    /// <see cref="IRetentionStore"/> among the services.
    /// </summary>
    public static IServiceCollection AddEvents(this IServiceCollection services, RetentionOptions retention)
    {
        services.AddSingleton(retention);
        services.AddHostedService<Retention>();
        services.AddSingleton<EventRecorder>();
        services.AddSingleton<IEventSink>(provider => provider.GetRequiredService<EventRecorder>());
        services.AddHostedService(provider => provider.GetRequiredService<EventRecorder>());
        return services;
    }
}
