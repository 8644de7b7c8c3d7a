import { Link, useNavigate, useRouterState } from "@tanstack/react-router";
import { api } from "@/api/client";
import { t } from "@/i18n";
import { isHere, PLACES, PLACES_IN_BAR } from "@/layout/navigation";
import { Icon } from "@/shared/icons";
import { MenuButton } from "@/shared/Menu";
import { ProgressBar } from "@/shared/ProgressBar";

/** Where one can go on a phone, with the active training's progress along its upper edge. */
export function BottomBar() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const navigate = useNavigate();
  const { data: state } = api.useQuery("get", "/api/training/status");
  const others = PLACES.slice(PLACES_IN_BAR);
  return (
    <aside aria-label={t("nav.bar")} className="bottom-bar">
      {state?.is_training && state.run_id && (
        <Link
          to="/runs/$runId"
          params={{ runId: state.run_id }}
          aria-label={t("nav.toTraining")}
          className="grid min-h-6 content-center px-1"
        >
          <ProgressBar label={t("run.progress")} value={state.progress?.global_step ?? 0} max={state.max_step} />
        </Link>
      )}
      <nav aria-label={t("nav.main")}>
        {PLACES.slice(0, PLACES_IN_BAR).map((place) => (
          <Link
            key={place.to}
            to={place.to}
            className="bottom-link"
            aria-current={isHere(place, path) ? "page" : undefined}
            activeOptions={{ exact: true }}
          >
            <Icon name={place.icon} size={22} />
            {t(`nav.${place.name}`)}
          </Link>
        ))}
        <MenuButton
          label={t("nav.more")}
          className="bottom-link"
          placement="top end"
          isCurrent={others.some((place) => isHere(place, path))}
          entries={others.map((place) => ({
            id: place.to,
            label: t(`nav.${place.name}`),
            icon: place.icon,
            onAction: () => navigate({ to: place.to }),
          }))}
        >
          <Icon name="more" size={22} />
          {t("nav.more")}
        </MenuButton>
      </nav>
    </aside>
  );
}
