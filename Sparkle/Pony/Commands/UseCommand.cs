using System.CommandLine;
using PonyCloud.Pony.Output;

namespace PonyCloud.Pony.Commands;

/// <summary>Chooses what the commands after it speak of, and shows what there is to choose from.</summary>
internal static class UseCommand
{
    public static Command Make(GlobalOptions options)
    {
        var name = new Argument<string?>("profile") { Description = "The profile to use from now on.", Arity = ArgumentArity.ZeroOrOne };
        var none = new Option<bool>("--no-tenant") { Description = "Forget the tenant that was chosen." };
        var command = new Command("use", "Choose a profile, or with --tenant a tenant, for the commands after this; without either, show them.") { name, none };
        options.Act(command, (session, parsed, cancellation) =>
            RunAsync(session, parsed.GetValue(name), parsed.GetValue(options.Tenant), parsed.GetValue(none), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(Session session, string? name, string? tenant, bool noTenant, CancellationToken cancellation)
    {
        var store = session.Store;
        if (name is not null)
        {
            if (store.Find(name) is null)
                throw new PonyException(ExitCode.NotFound, $"There is no profile {Printable.Of(name)}. There is {string.Join(", ", store.Names)}.");
            store.Use(name);
        }
        var chosen = name ?? session.ProfileName;
        if (tenant is not null || noTenant)
        {
            // By its uuid, which stays when the name changes; and only one that is there.
            using var other = new Session(session.Terminal, store, chosen, tenant, session.Format);
            var key = noTenant ? null : await other.TenantAsync(cancellation);
            store.Save(chosen, other.Profile with { Tenant = key });
        }
        foreach (var profile in store.Names)
        {
            var found = store.Find(profile)!;
            session.Terminal.Output.WriteLine(
                $"{(profile == store.Current ? "*" : " ")} {profile}  {Printable.Of(found.ToString())}{(found.Tenant is { } key ? $"  tenant {key}" : "")}");
        }
        return ExitCode.Ok;
    }
}
